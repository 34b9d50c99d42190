import { describe, expect, test } from 'vitest'
import type { RouteDecision } from '#contract'
import { sdpBody } from '../../../relay/sip/body.ts'
import type { Header, Request } from '../../../relay/sip/message.ts'
import { type Ladder, type Party, relayAddress } from '../../support/ladder.ts'
import {
  aliceDials,
  bob,
  invite,
  office,
  provider,
  registers,
  ringBob,
  sdp,
  telnyx,
  through,
  twilio,
} from '../../support/office.ts'
import { pbx, pbxOffice, pbxRealm, ringPbx, trunkId } from '../../support/pbx.ts'
import { leavesNothingBehind, text, watch } from '../../support/scene.ts'

leavesNothingBehind()

const isup = 'application/isup;version=itu-t92+'
const pidf = 'application/pidf+xml'
const both = { takes: ['application/isup', pidf] }
const octets = '\x01\x00\x60\r\n--not-this'

describe('the parts of a caller’s body beside its session description', () => {
  test('go on where they are taken: ISUP from PBXs and carriers, a place from phones and PBXs', () => {
    expect(partTypes(calledBy('phone', through(provider(telnyx, both))))).toEqual([pidf])
    expect(partTypes(calledBy('pbx', through(provider(telnyx, both))))).toEqual([isup, pidf])
    expect(partTypes(calledBy('carrier', ringPbx({ hostname: 'pbx.acme.test', ...both })))).toEqual([isup])
  })

  test('are dropped where they are not taken, and towards phones', () => {
    for (const takes of [undefined, [], ['text/plain']]) {
      const sent = calledBy('pbx', through(provider(telnyx, takes && { takes })))
      expect(sent.header('content-type')).toBe('application/sdp')
      expect(text(sent.body)).toMatch(/^v=0/)
      expect(sent.header('geolocation')).toBeUndefined()
    }
    expect(calledBy('carrier', ringBob('incoming')).header('content-type')).toBe('application/sdp')
  })

  test('come after the description, octet for octet, and ISUP may be left unread (RFC 3204)', () => {
    const sent = calledBy('pbx', through(provider(telnyx, both)))
    expect(sent.header('mime-version')).toBe('1.0')
    expect(text(sdpBody(sent) ?? new Uint8Array(0))).toMatch(/^v=0\r\n(.*\r\n)*m=audio/)
    expect(text(sent.body)).toContain(
      `\r\nContent-Disposition: signal;handling=optional\r\n\r\n${octets}\r\n--`,
    )
  })

  test('bring a place under the name by which the INVITE speaks of it (RFC 6442)', () => {
    const sent = calledBy('phone', through(provider(telnyx, both)))
    expect(sent.header('geolocation')).toBe('<cid:here@alice.test>')
    expect(text(sent.body)).toContain('Content-ID: <here@alice.test>\r\n')
    expect(
      calledBy('phone', through(provider(telnyx, { takes: ['application/isup'] }))).header('geolocation'),
    ).toBe(undefined)
  })

  test('are no more and no larger than a call needs', () => {
    const many = Array.from({ length: 9 }, () => part(isup, octets))
    expect(partTypes(calledBy('pbx', through(provider(telnyx, both)), many))).toHaveLength(4)
    const large = [part(isup, 'x'.repeat(9_000)), part(isup, octets)]
    expect(partTypes(calledBy('pbx', through(provider(telnyx, both)), large))).toEqual([isup])
  })
})

describe('an extension with codecs of its own', () => {
  test('is offered those, in its order', () => {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(bobSpeaking(['PCMA', 'PCMU'])).whatever()
    const { body } = ladder.lastRequest(bob, 'INVITE')
    expect(/^m=audio \d+ RTP\/AVP (.*)$/m.exec(text(body))?.[1]?.trim()).toBe('8 0 101')
  })

  test('which the caller speaks none of is not rung, and the caller hears why', () => {
    const ladder = watch(office())
    registers(ladder, bob, 'bob')
    aliceDials(ladder, 'bob')
    ladder.decide(bobSpeaking(['OPUS'])).gives('488 to Alice')
    expect(ladder.record).toMatchObject({ reject_reason: 'NO_COMMON_CODEC' })
    expect(ladder.record.reject_message).toContain('only OPUS')
  })
})

/** The INVITE which leaves for the callee when this party sends these parts. */
function calledBy(
  from: 'phone' | 'pbx' | 'carrier',
  decision: RouteDecision,
  parts = [part(isup, octets), part(pidf, '<presence/>', 'Content-ID: <here@alice.test>')],
): Request {
  const ladder = pbxOffice()
  const callee = calleeOf(decision)
  if (callee === bob) registers(ladder, bob, 'bob')
  calls(ladder, from, mixed([part('application/sdp', text(sdp('192.0.2.10'))), ...parts]))
  const direction = from === 'carrier' ? 'incoming' : 'outgoing'
  ladder.decide({ ...decision, direction, trunk_id: from === 'pbx' ? trunkId : decision.trunk_id }).whatever()
  if (callee !== bob) ladder.locate(callee).whatever()
  return ladder.lastRequest(callee, 'INVITE')
}

function calls(ladder: Ladder, from: 'phone' | 'pbx' | 'carrier', content: string): void {
  const body = new TextEncoder().encode(content)
  const type = 'multipart/mixed;boundary=o'
  const headers: Header[] = [['geolocation', '<cid:here@alice.test>']]
  if (from === 'phone') return void aliceDials(ladder, '+15551234567', { body, type, headers })
  const to = from === 'pbx' ? `sip:+15551234567@${pbxRealm}` : `sip:+15557654321@${relayAddress}`
  const caller = from === 'pbx' ? pbx : telnyx
  ladder
    .when(
      caller,
      invite(caller, to, { domain: from === 'pbx' ? pbxRealm : 'carrier.test', body, type, headers }),
    )
    .gives('ask route')
}

function calleeOf(decision: RouteDecision): Party {
  if (decision.kind !== 'connect') throw new Error('rejected')
  if (decision.targets.kind === 'extension') return bob
  return decision.targets.kind === 'trunk' ? twilio : telnyx
}

/** Bob, who is to be offered only these. */
function bobSpeaking(codecs: string[]): RouteDecision {
  const decision = ringBob()
  if (decision.kind !== 'connect' || decision.targets.kind !== 'extension') throw new Error('not Bob')
  const extension = { ...decision.targets.extension, codecs }
  return { ...decision, targets: { kind: 'extension', extension } }
}

function part(type: string, content: string, ...more: string[]): string {
  return [`Content-Type: ${type}`, ...more, '', content].join('\r\n')
}

function mixed(parts: string[]): string {
  return `${parts.map((one) => `--o\r\n${one}\r\n`).join('')}--o--\r\n`
}

function partTypes({ body }: Request): string[] {
  const types = [...text(body).matchAll(/^Content-Type: (.*?)\r$/gm)].map(([, type = '']) => type)
  return types.filter((type) => type !== 'application/sdp')
}
