import type { ConnectDecision as Connect, SecurePolicy } from '#contract'
import type { Flow } from '../ground/flow.ts'
import { inviteOf } from '../leg/uac.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { saidAsItIs } from './claims.ts'
import type { TypedBody } from './emergency-place.ts'
import { targetHeader } from './handed-target.ts'
import type { Branch, Call, Hunt } from './state.ts'

/*
 * A call which one relay of the fleet hands another, for the phones which registered there. Policy, limits and the record
 * are the first one's; the other one rings, and has two legs without a word of its own.
 */

/** What the header of such an INVITE names: whose phones are to ring. */
interface HandedTarget {
  readonly kind: 'extension' | 'trunk'
  readonly id: string
  readonly customerId: string
  readonly ringMs: number
  readonly secure: SecurePolicy
}

/** What another relay asks to ring, as a decision which was made there; undefined: its INVITE does not say. */
export function handedDecision(invite: Request): Connect | undefined {
  const { target, to, from } = invite
  const handed = readTarget(invite.header(targetHeader))
  const [user, realm] = [target?.user ?? '', to.sip?.host ?? '']
  if (!handed || user === '') return undefined
  return { ...handedOver, scopes: [], ...namesOf(from, user), targets: targetsOf(handed, user, realm) }
}

/** Seconds; no setting lets a phone ring for longer. */
const ringsAtMost = 600
const pattern =
  /^(extension|trunk);id=([\da-f-]{36});customer=([\da-f-]{36});ring=(\d{1,5});secure=(off|allowed|required)$/

function readTarget(text: string | undefined): HandedTarget | undefined {
  const [, kind, id, customerId, ring, secure] = pattern.exec(text ?? '') ?? []
  const ringSeconds = Number(ring)
  if (!id || !customerId || ringSeconds > ringsAtMost) return undefined
  return {
    kind: kind === 'trunk' ? 'trunk' : 'extension',
    id,
    customerId,
    ringMs: ringSeconds * 1000,
    secure: secure === 'off' || secure === 'required' ? secure : 'allowed',
  }
}

/** Transfers are the other relay's to make, keys its to translate, codecs its to choose. */
const passes = { transfer: 'relay', dtmf: 'auto' } as const

function targetsOf(
  { kind, id, customerId: customer_id, ringMs: ring_ms, secure }: HandedTarget,
  user: string,
  realm: string,
): Connect['targets'] {
  const known = { customer_id, realm, ring_ms, secure, ...passes }
  if (kind === 'extension') return { kind, extension: { ...known, extension_id: id, extension: user } }
  const host = {
    hostname: null,
    port: null,
    transport: null,
    tls: { verify: 'full', fingerprint: null },
  } as const
  const takes = ['application/isup', 'application/pidf+xml']
  return { kind, trunk: { ...known, ...host, trunk_id: id, username: user, user, codecs: [], takes } }
}

function namesOf(
  { sip, uri }: Request['from'],
  called: string,
): Pick<Connect, 'source' | 'destination' | 'caller_id'> {
  const party = (target: string) => ({ type: 'sip' as const, target, target_name: '', name: '', detail: '' })
  const caller = { display: '', asserted: null, diverting: [], unverified: false, hidden: false }
  return {
    source: party(sip?.user ?? uri),
    destination: party(called),
    caller_id: { ...caller, user: sip?.user ?? '' },
  }
}

/** It is no customer's here: it has no record, and counts in no limit. */
const handedOver = {
  kind: 'connect',
  customer_id: null,
  direction: 'internal',
  explanation: null,
  extension_id: null,
  trunk_id: null,
  number_id: null,
  provider_id: null,
  ...passes,
} as const

/** The INVITE for a phone of ours which another relay rings: what that one wrote for it, under our name. */
export function handedInvite(
  { caller: { invite } }: Pick<Call, 'caller'>,
  branch: Branch,
  { requestUri, typed }: { readonly requestUri: string; readonly typed: TypedBody },
  flow: Flow,
  endpoint: SipEndpoint,
): Request {
  const parts = {
    requestUri,
    from: untagged(invite.header('from') ?? ''),
    to: untagged(invite.header('to') ?? ''),
    maxForwards: invite.maxForwards - 1,
    headers: [...saidAsItIs(invite), ...typed.headers],
    body: typed.body,
    takesOffer: typed.body.length === 0,
  }
  return inviteOf(branch, parts, flow, endpoint)
}

function untagged(address: string): string {
  return address.replace(/;\s*tag\s*=[^;,>]*/i, '')
}

/** Where a phone sends its calls on is the other relay's to follow: it hears that as it was said. */
export function redirectionOf({ headers }: Response): Header[] {
  return headers.filter(([name]) => name === 'contact')
}

/** Whether a relay says that the phone is not there: what was known of it is old (430 Flow Failed, RFC 5626 §11.5). */
export function isAstray({ contact }: Branch, status: number): boolean {
  return contact?.relay !== undefined && (status === 430 || status === 0)
}

/** Whether it was rung already, or is about to be. */
export function isRung(
  { branches }: Pick<Call, 'branches'>,
  hunt: Hunt,
  one: NonNullable<Branch['contact']>,
): boolean {
  const same = (other: Branch['contact']) =>
    other !== undefined &&
    (one.relay === undefined ? other.bindingId === one.bindingId : other.relay === one.relay)
  return (
    branches.some((branch) => branch.hunt === hunt && same(branch.contact)) ||
    hunt.rounds.contacts.flat().some(same)
  )
}
