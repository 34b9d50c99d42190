import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import { elsewhere, reasonsOf } from '../../../relay/call/reason.ts'
import { wordsOf } from '../../../relay/call/refusal.ts'
import { uacDialog, uasDialog } from '../../../relay/dialog/dialog.ts'
import { questionOf } from '../../../relay/policy/route-question.ts'
import { readContacts } from '../../../relay/registrar/requested-contacts.ts'
import { sdpBody } from '../../../relay/sip/body.ts'
import { parseChallenges, parseCredentials } from '../../../relay/sip/digest.ts'
import type { Request, Response } from '../../../relay/sip/message.ts'
import { properName } from '../../../relay/sip/names.ts'
import { parseMessage } from '../../../relay/sip/parse.ts'
import { screen } from '../../../relay/sip/screen.ts'
import { sources } from '../../house/source.ts'
import { bytes, invite, readRequest, readResponse, register, responseText } from '../../support/wire.ts'
import { office } from '../registrar/phone.ts'

/*
 * What becomes of a header which cannot be read (RFC 3261 §8.2.2): needed, its status; not needed, as if it were not
 * there. One row for every header the relay reads; a header read and not listed here fails the last test.
 */

/** A status, or that everything is as if it were not there. */
type Fate = number | 'absent'

interface Row {
  /** Something to be read, where the messages hold none. */
  readonly good?: string
  /** In place of the good one. */
  readonly alone: Fate
  /** Behind the good one: as a list's member, else in a line of its own. */
  readonly beside: Fate
  readonly list?: true
}

const ignored: Row = { alone: 'absent', beside: 'absent' }
const list = { list: true, alone: 'absent', beside: 'absent' } as const
const once: Row = { alone: 400, beside: 400 }
const someone = '<sip:+15551234567@example.com>'

const inRequests: Record<string, Row> = {
  // Whose request it is.
  via: { alone: 400, beside: 'absent', list: true },
  from: once,
  to: once,
  'call-id': once,
  cseq: once,
  'max-forwards': once,
  // What it brings.
  'content-length': once,
  'content-type': { alone: 415, beside: 400 },
  'content-encoding': { list: true, good: 'identity', alone: 415, beside: 415 },
  'content-disposition': ignored,
  accept: { ...list, good: 'application/sdp' },
  // What it wants.
  require: { list: true, good: 'path', alone: 420, beside: 420 },
  contact: { list: true, alone: 400, beside: 'absent' },
  expires: { good: '300', alone: 'absent', beside: 400 },
  path: { list: true, good: '<sip:edge.example.com;lr>', alone: 400, beside: 'absent' },
  authorization: { ...ignored, good: 'Digest username="a", realm="b", nonce="c", uri="sip:b", response="d"' },
  'proxy-authorization': ignored,
  // Who else is in it.
  'record-route': { ...list, good: '<sip:proxy.example.com;lr>' },
  'p-asserted-identity': { ...list, good: someone },
  'p-preferred-identity': { ...list, good: someone },
  diversion: { ...list, good: someone },
  'history-info': { ...list, good: someone },
  'remote-party-id': { ...ignored, good: someone },
  // What is said and not asked.
  reason: ignored,
  'user-agent': ignored,
  supported: list,
  allow: list,
  route: list,
  privacy: ignored,
  // A REFER without one is refused, a NOTIFY passed on to no party.
  'refer-to': ignored,
  replaces: { alone: 'absent', beside: 'absent' },
  'refer-sub': ignored,
  event: ignored,
  'session-expires': { ...ignored, good: '1800' },
  'min-se': { ...ignored, good: '90' },
  rack: ignored,
  'info-package': ignored,
}

const inResponses: Record<string, Row> = {
  via: { alone: 400, beside: 'absent', list: true },
  cseq: { alone: 400, beside: 'absent' },
  to: ignored,
  from: ignored,
  'call-id': ignored,
  contact: { ...list, good: '<sip:bob@192.0.2.20>' },
  'record-route': { ...list, good: '<sip:proxy.example.com;lr>' },
  'content-length': ignored,
  'content-type': { ...ignored, good: 'application/sdp' },
  'max-forwards': ignored,
  expires: { ...ignored, good: '300' },
  'min-expires': { ...ignored, good: '300' },
  'retry-after': { ...ignored, good: '300' },
  require: list,
  'www-authenticate': { ...ignored, good: 'Digest realm="b", nonce="c"' },
  'proxy-authenticate': ignored,
  warning: ignored,
  'service-route': list,
  'session-expires': { ...ignored, good: '1800' },
  'min-se': { ...ignored, good: '90' },
  rseq: ignored,
}

const twice = '"x" <sip:a@b>;x=1;x=2'
/** Nothing of this says anything, wherever it stands. */
const broken = ['<<>>', '"never closed', '@@', ';;', '\\', '<sip:>', 'Ä', '\0', twice]

/** What says something here all the same: a word, a piece of text, a hop which its proxy may read. */
const fit: Record<string, readonly string[]> = {
  'call-id': broken.filter((text) => !text.includes(' ')),
  reason: broken,
  warning: broken,
  'user-agent': broken,
  path: [twice],
  'record-route': [twice],
}

/** What may even hold half a line break: no request is answered by it. */
const passedOver = [
  'p-asserted-identity',
  'p-preferred-identity',
  'diversion',
  'history-info',
  'remote-party-id',
  'reason',
  'user-agent',
  'supported',
  'allow',
  'route',
  'session-expires',
  'min-se',
  'rack',
  'refer-to',
  'replaces',
  'refer-sub',
  'event',
  'info-package',
]

const brokenFor = (name: string) => broken.filter((text) => !fit[name]?.includes(text))

describe('a header which cannot be read, in a request', () => {
  test.each(Object.entries(inRequests))('%s', (name, row) => {
    for (const [method, write] of [
      ['INVITE', invite],
      ['REGISTER', register],
    ] as const) {
      const good = row.good ?? readRequest(write()).header(name)
      const say = (values: string | string[] | null) =>
        observed(write({ headers: { [properName(name)]: values } }))
      for (const text of brokenFor(name)) {
        expect(say(text), `${method}: ${text}`).toEqual(fated(row.alone, method, name, () => say(null)))
        if (good === undefined) continue
        const both = say(beside(row, name, good, text))
        expect(both, `${method}: ${text} beside`).toEqual(fated(row.beside, method, name, () => say(good)))
      }
    }
  })

  test.each(Object.keys(inRequests))(
    '%s with half a line break in it is refused where it is heeded',
    (name) => {
      const say = (values: string | null) => invite({ headers: { [properName(name)]: values } })
      const parsed = parseMessage(bytes(say('a\nb')))
      if (parsed.ok) expect(observed(say('a\nb'))).toEqual(observed(say(null)))
      else expect([parsed.fault.status, parsed.fault.where]).toEqual([400, properName(name)])
      expect(parsed.ok).toBe(passedOver.includes(name))
    },
  )
})

describe('a header which cannot be read, in a response', () => {
  test.each(Object.entries(inResponses))('%s', (name, row) => {
    for (const status of [200, 302, 401]) {
      const good = row.good ?? readResponse(responseText(status)).header(name)
      const say = (values: string | string[] | null) =>
        heard(responseText(status, { headers: { [properName(name)]: values } }))
      // Without a tag it can still be acknowledged, without a To it cannot.
      const absent = () => say(name === 'to' ? '<sip:bob@example.com>' : null)
      for (const text of brokenFor(name)) {
        expect(say(text), text).toEqual(row.alone === 'absent' ? absent() : 'silence')
        if (good !== undefined) expect(say(beside(row, name, good, text)), text).toEqual(say(good))
      }
    }
  })
})

test('every header the relay reads has its row', () => {
  const reads = /(?:\.(?:header|all)\(|hopsOf\(\w+, )'([a-z-]+)'/g
  const read = sources('relay/**/*.ts').flatMap(({ text }) =>
    [...text.matchAll(reads)].map(([, name]) => name ?? ''),
  )
  expect(read.length).toBeGreaterThan(30)
  expect(read.filter((name) => !inRequests[name] && !inResponses[name])).toEqual([])
})

/** Two values: the good one first where only the first can be the topmost, else the broken one. */
function beside({ list: isList }: Row, name: string, good: string, text: string): string | string[] {
  if (!isList) return [good, text]
  return name === 'via' ? `${good}, ${text}` : `${text}, ${good}`
}

/** What is right for a header with this fate; a REGISTER has no body and an INVITE no path. */
function fated(fate: Fate, method: string, name: string, without: () => unknown): unknown {
  const ofBody = ['content-type', 'content-encoding'].includes(name) && fate === 415
  if (fate === 'absent' || (ofBody && method === 'REGISTER') || (name === 'path' && method === 'INVITE'))
    return without()
  return fate
}

/** Everything the relay makes of a request; the status where it refuses it. */
function observed(text: string): unknown {
  const parsed = parseMessage(bytes(text))
  if (!parsed.ok) return parsed.fault.status
  const request = readRequest(text)
  const refusal = screen(request)
  const wanted = readContacts(request, office(), () => office().min_expires)
  if (refusal) return refusal.status
  if (request.method === 'REGISTER')
    return wanted.kind === 'refused' ? wanted.status : [facts(request), wanted]
  const caller = {
    kind: 'source',
    address: '192.0.2.1',
    port: portNumber(5060),
    transport: 'udp',
    line: null,
  } as const
  const { remoteTarget, routeSet } = uasDialog(request, 't')
  return [
    facts(request),
    questionOf('id', request, caller, []),
    remoteTarget,
    routeSet,
    sdpBody(request)?.length,
  ]
}

function facts(request: Request): unknown {
  const { via, from, to, callId, cseq, maxForwards } = request
  const credentials = ['authorization', 'proxy-authorization'].map((name) =>
    request.all(name).map(parseCredentials).filter(Boolean),
  )
  return [via, from, to, callId, cseq, maxForwards, credentials, reasonsOf(request)]
}

/** Everything the relay makes of an answer to its INVITE; silence where it takes none. */
function heard(text: string): unknown {
  if (!parseMessage(bytes(text)).ok) return 'silence'
  const response: Response = readResponse(text)
  const { remoteTarget, routeSet, remoteTag } = uacDialog(readRequest(invite()), response)
  const challenges = ['www-authenticate', 'proxy-authenticate'].map((name) =>
    response.all(name).flatMap(parseChallenges),
  )
  const { via, cseq, status } = response
  const numbers = ['expires', 'min-expires', 'retry-after'].map(
    (name) => /^\d+$/.exec(response.header(name) ?? '')?.[0],
  )
  const said = [wordsOf(response), elsewhere(response), challenges, numbers, sdpBody(response)?.length]
  return { via, cseq, status, remoteTarget, routeSet, tag: remoteTag, said }
}
