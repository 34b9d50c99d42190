import { describe, expect, test } from 'vitest'
import type { Dialog } from '../../../relay/dialog/dialog.ts'
import { ackFor2xx, inDialog, nextHop } from '../../../relay/dialog/request.ts'
import { writeMessage } from '../../../relay/sip/write.ts'

const via = 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-bye'

describe('a request within a dialog (RFC 3261 §12.2.1.1)', () => {
  test('is made of what the dialog knows', () => {
    const bye = inDialog(dialog(), { method: 'BYE', via })
    expect(text(writeMessage(bye))).toEqual([
      'BYE sip:bob@192.0.2.9:5062 SIP/2.0',
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-bye',
      'Max-Forwards: 70',
      'From: Alice <sip:alice@example.com>;tag=alice',
      'To: <sip:bob@example.com>;tag=bob',
      'Call-ID: call-1',
      'CSeq: 8 BYE',
      'Content-Length: 0',
      '',
      '',
    ])
  })

  test('counts up by one each time', () => {
    const known = dialog()
    const numbers = ['INFO', 'UPDATE', 'BYE'].map((method) => inDialog(known, { method, via }).cseq)
    expect(numbers).toEqual([
      { number: 8, method: 'INFO' },
      { number: 9, method: 'UPDATE' },
      { number: 10, method: 'BYE' },
    ])
  })

  test('carries the Contact, headers and body it is given', () => {
    const body = new TextEncoder().encode('v=0\r\n')
    const reinvite = inDialog(dialog(), {
      method: 'INVITE',
      via,
      contact: '<sip:alice@192.0.2.1:5060>',
      headers: [['content-type', 'application/sdp']],
      body,
      maxForwards: 41,
    })
    expect(reinvite.header('contact')).toBe('<sip:alice@192.0.2.1:5060>')
    expect(reinvite.header('content-type')).toBe('application/sdp')
    expect(reinvite.maxForwards).toBe(41)
    expect(reinvite.body).toEqual(body)
  })

  test('drops from the target what no Request-URI may hold (§19.1.1)', () => {
    const odd = dialog({
      remoteTarget: 'sip:bob@192.0.2.9;method=INVITE;transport=tcp?Route=%3Csip:evil.example%3E',
    })
    expect(inDialog(odd, { method: 'BYE', via }).requestUri).toBe('sip:bob@192.0.2.9;transport=tcp')
  })

  test('leaves a target of another scheme as it is', () => {
    const phone = dialog({ remoteTarget: 'tel:+15551234567' })
    expect(inDialog(phone, { method: 'BYE', via }).requestUri).toBe('tel:+15551234567')
    expect(nextHop(phone)).toBeUndefined()
  })
})

describe('the way of a request within a dialog (RFC 3261 §12.2.1.1)', () => {
  test('leads straight to the target when there are no routes', () => {
    expect(nextHop(dialog())).toMatchObject({ host: '192.0.2.9', port: 5062 })
  })

  test('leads over loose routers with the target as Request-URI', () => {
    const routed = dialog({ routeSet: ['<sip:first.example.com;lr>', '<sip:second.example.com:5070;lr>'] })
    const bye = inDialog(routed, { method: 'BYE', via })
    expect(bye.requestUri).toBe('sip:bob@192.0.2.9:5062')
    expect(bye.all('route')).toEqual(['<sip:first.example.com;lr>', '<sip:second.example.com:5070;lr>'])
    expect(nextHop(routed)).toMatchObject({ host: 'first.example.com' })
  })

  test('gives a strict router its own name and moves the target to the end', () => {
    const routed = dialog({
      routeSet: ['<sip:strict.example.com;method=BYE>', '<sip:second.example.com;lr>'],
    })
    const bye = inDialog(routed, { method: 'BYE', via })
    expect(bye.requestUri).toBe('sip:strict.example.com')
    expect(bye.all('route')).toEqual(['<sip:second.example.com;lr>', '<sip:bob@192.0.2.9:5062>'])
    expect(nextHop(routed)).toMatchObject({ host: 'strict.example.com' })
  })

  test.each([
    ['a Contact', { remoteTarget: 'sip:bob@example.com:5062;maddr=192.0.2.7' }],
    ['a Record-Route', { routeSet: ['<sip:example.com:5062;maddr=192.0.2.7;lr>'] }],
  ])('leads to the maddr of %s (§19.1.1)', (_, parts) => {
    expect(nextHop(dialog(parts))).toMatchObject({ host: '192.0.2.7', port: 5062 })
  })

  test('leads to the host where its maddr is none', () => {
    const { host } = nextHop(dialog({ remoteTarget: 'sip:bob@192.0.2.9;maddr=' })) ?? {}
    expect(host).toBe('192.0.2.9')
  })

  test('takes a strict router further down as any other', () => {
    const routed = dialog({ routeSet: ['<sip:first.example.com;lr>', '<sip:strict.example.com>'] })
    const bye = inDialog(routed, { method: 'BYE', via })
    expect(bye.requestUri).toBe('sip:bob@192.0.2.9:5062')
    expect(bye.all('route')).toEqual(['<sip:first.example.com;lr>', '<sip:strict.example.com>'])
  })
})

describe('the ACK for a 2xx (RFC 3261 §13.2.2.4)', () => {
  test('bears the number of its INVITE and counts for nothing', () => {
    const known = dialog({ localCseq: 9 })
    const ack = ackFor2xx(known, 7, { via })
    expect(ack.method).toBe('ACK')
    expect(ack.cseq).toEqual({ number: 7, method: 'ACK' })
    expect(known.localCseq).toBe(9)
  })

  test('goes the way of the dialog, not of the INVITE', () => {
    const routed = dialog({ routeSet: ['<sip:first.example.com;lr>'] })
    const ack = ackFor2xx(routed, 7, { via })
    expect(ack.requestUri).toBe('sip:bob@192.0.2.9:5062')
    expect(ack.all('route')).toEqual(['<sip:first.example.com;lr>'])
  })
})

function dialog(changed: Partial<Dialog> = {}): Dialog {
  return {
    callId: 'call-1',
    localTag: 'alice',
    remoteTag: 'bob',
    local: 'Alice <sip:alice@example.com>;tag=alice',
    remote: '<sip:bob@example.com>;tag=bob',
    localCseq: 7,
    remoteCseq: undefined,
    remoteTarget: 'sip:bob@192.0.2.9:5062',
    routeSet: [],
    confirmed: true,
    ...changed,
  }
}

function text(bytes: Uint8Array): string[] {
  return new TextDecoder().decode(bytes).split('\r\n')
}
