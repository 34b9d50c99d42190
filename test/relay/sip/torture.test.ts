import { describe, expect, test } from 'vitest'
import { parseNameAddr } from '../../../relay/sip/address.ts'
import type { Request } from '../../../relay/sip/message.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import { screen } from '../../../relay/sip/screen.ts'
import { sameUri } from '../../../relay/sip/uri.ts'
import { writeMessage } from '../../../relay/sip/write.ts'
import { tortureMessages } from '../../support/torture.ts'
import { bytes, readRequest } from '../../support/wire.ts'
import { kinds4475 } from './torture-kinds.ts'
import { rows4475, rows5118, type Verdict } from './torture-rows.ts'

describe.each([
  { rfc: 4475, rows: rows4475 },
  { rfc: 5118, rows: rows5118 },
] as const)('the torture messages of RFC $rfc', ({ rfc, rows }) => {
  const messages = tortureMessages(rfc)
  if (messages === undefined) {
    test.skip(`skipped: RFC ${rfc} is not installed here (Debian: doc-rfc-informational, non-free)`)
    return
  }

  test('have a row each', () => {
    expect([...messages.keys()].sort()).toEqual(rows.map(([file]) => file).sort())
  })

  test.each(rows)('%s: %s, since %s', (file, verdict) => {
    expect(verdictOn(messages.get(file) ?? new Uint8Array())).toBe(verdict)
  })

  test.each(rows.filter(([, verdict]) => verdict === 'passes'))('%s is written as it was read', (file) =>
    expectRoundTrip(messages.get(file) ?? new Uint8Array()),
  )
})

function expectRoundTrip(message: Uint8Array): void {
  const first = parseMessage(message)
  const written = first.ok ? writeMessage(first.value) : new Uint8Array()
  const again = parseMessage(written)
  expect(again.ok && first.ok && headersOf(again.value)).toEqual(first.ok && headersOf(first.value))
  expect(again.ok && writeMessage(again.value)).toEqual(written)
}

describe('every kind of message RFC 4475 tells of, in our own words', () => {
  test('is here, section by section', () => {
    const sections = (under: string, count: number) =>
      Array.from({ length: count }, (_, n) => `${under}.${n + 1}`)
    const counts: [string, number][] = [
      ['3.1.1', 13],
      ['3.1.2', 19],
      ['3.2', 1],
      ['3.3', 15],
      ['3.4', 1],
    ]
    const inTheRfc = counts.flatMap(([under, count]) => sections(under, count))
    expect([...new Set(kinds4475.map(([section]) => section))]).toEqual(inTheRfc)
  })

  test.each(kinds4475)('§%s: %s', (_, __, message, verdict) => {
    expect(verdictOn(octetsOf(message))).toBe(verdict)
  })

  test.each(kinds4475.filter(([, , , verdict]) => verdict === 'passes'))(
    '§%s: %s is written as it was read',
    (_, __, message) => expectRoundTrip(octetsOf(message)),
  )
})

function octetsOf(message: string | Uint8Array): Uint8Array {
  return typeof message === 'string' ? bytes(message) : message
}

describe.skipIf(tortureMessages(4475) === undefined)('in RFC 4475', () => {
  const message = (file: string): Request => readRequest(tortureMessages(4475)?.get(file) ?? '')

  test('wsinv says the same as a tidy INVITE would (§3.1.1.1)', () => {
    const wsinv = message('wsinv')
    expect(wsinv.via).toMatchObject({ transport: 'UDP', host: '192.0.2.2', branch: '390skdjuw' })
    expect(wsinv.all('via')).toHaveLength(3)
    expect(wsinv.from).toMatchObject({ display: 'J Rosenberg \\"', tag: '98asjd8' })
    expect(wsinv.to.tag).toBe('1918181833n')
    expect(wsinv.cseq).toEqual({ number: 9, method: 'INVITE' })
    expect(wsinv.maxForwards).toBe(68)
    expect(wsinv.header('newfangledheader')).toBe('newfangled value continued newfangled value')
    expect(wsinv.body).toHaveLength(150)
    const contact = parseNameAddr(wsinv.header('contact') ?? '')
    expect(contact?.display).toBe('Quoted string ""')
    expect(Object.fromEntries(contact?.params ?? [])).toEqual({
      newparam: 'newvalue',
      secondparam: '',
      q: '0.33',
    })
  })

  test('intmeth keeps its user, password and control characters (§3.1.1.2)', () => {
    const intmeth = message('intmeth')
    expect(intmeth.target?.user).toBe("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
    expect(intmeth.target?.password).toBe("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
    expect(intmeth.to.display).toBe('BEL:\u0007 NUL:\u0000 DEL:\u007f')
    expect(intmeth.from.tag).toBe("_token~1'+`*%!-.")
  })

  test('esc01 dials the user whose name its escapes spell (§3.1.1.3)', () => {
    const esc01 = message('esc01')
    expect(esc01.target).toMatchObject({ user: 'sips:user@example.com', host: 'example.net' })
    expect(esc01.to.sip?.user).toBe('user')
    const contact = parseNameAddr(esc01.header('contact') ?? '')?.sip
    expect(Object.fromEntries(contact?.params ?? [])).toEqual({ lr: '', name: 'value%41' })
  })

  test('escnull names two different contacts (§3.1.1.4)', () => {
    const [one, two] = message('escnull')
      .all('contact')
      .map((contact) => parseNameAddr(contact)?.sip)
    expect(one?.user).toBe('\0')
    expect(one && two && sameUri(one, two)).toBe(false)
  })

  test('esc02 has two contacts and an unknown header (§3.1.1.5)', () => {
    expect(message('esc02').all('contact')).toHaveLength(2)
    expect(message('esc02').header('c%6fntact')).toBe('<sip:alias2@host2.example.com>')
  })

  test('dblreq ends where its Content-Length says (§3.1.1.8)', () => {
    expect(message('dblreq').body).toHaveLength(0)
  })

  test('cparam01 has a header parameter, cparam02 a URI parameter (§3.3.12)', () => {
    const contactOf = (file: string) => parseNameAddr(message(file).header('contact') ?? '')
    expect(contactOf('cparam01')?.params.has('unknownparam')).toBe(true)
    expect(contactOf('cparam01')?.sip?.params.size).toBe(0)
    expect(contactOf('cparam02')?.params.size).toBe(0)
    expect(contactOf('cparam02')?.sip?.params.has('unknownparam')).toBe(true)
  })

  test('regbadct has a Contact nobody can read, regescrt one with a header in it (§3.1.2.13, §3.3.14)', () => {
    expect(parseNameAddr(message('regbadct').header('contact') ?? '')).toBeUndefined()
    const contact = parseNameAddr(message('regescrt').header('contact') ?? '')
    expect(contact?.sip?.headers).toBe('Route=%3Csip:sip.example.com%3E')
  })

  test('semiuri has one user with a semicolon (§3.1.1.9)', () => {
    expect(message('semiuri').target).toMatchObject({ user: 'user;par=u@example.net', host: 'example.com' })
  })
})

function headersOf(message: { headers: readonly (readonly [string, string])[] }) {
  return message.headers.filter(([name]) => name !== 'content-length')
}

/** Parser first, then the screen, as the engine does. */
function verdictOn(bytes: Uint8Array): Verdict {
  const parsed = parseMessage(bytes)
  if (!parsed.ok) return parsed.fault.answerable === undefined ? 'silence' : parsed.fault.status
  if (parsed.value.kind === 'response') return 'passes'
  const refusal = screen(parsed.value)
  if (refusal?.drop) return 'silence'
  return refusal?.status ?? 'passes'
}
