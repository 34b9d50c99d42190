import type { RouteDecision } from '#contract'
import { parseNameAddrs, userOf } from '../sip/address.ts'
import { diversionsOf } from '../sip/diversion.ts'
import { splitList } from '../sip/grammar.ts'
import type { Header, Request } from '../sip/message.ts'
import { type Privacy, privacyOf } from '../sip/privacy.ts'
import type { Call, ConnectDecision, Hunt } from './state.ts'

/** Whom a call comes from or goes to: a customer's phone or PBX, however it proved itself, or a provider. */
export type PartyKind = 'phone' | 'pbx' | 'carrier'

/** Between whom a header of an INVITE passes. */
interface Passage {
  readonly from: readonly PartyKind[]
  readonly to: readonly PartyKind[]
  /** It could tell who calls: not passed where the caller hides. */
  readonly telling?: true
}

const anybody: readonly PartyKind[] = ['phone', 'pbx', 'carrier']
/** The customer's own: strangers command no phone of theirs, to answer by itself or to fetch a URL. */
const own: readonly PartyKind[] = ['phone', 'pbx']

/**
 * What of a caller's INVITE the callee hears as it was said.
 *
 * Who calls (From, P-Asserted-Identity, Privacy) is written anew out of the decision (RFC 3325 §5), for which
 * P-Asserted-Identity and P-Preferred-Identity are read of PBXs and providers. What is not named here passes from
 * no party to no other: Remote-Party-ID, Geolocation, User-to-User, Reason, Answer-Mode, Referred-By and the rest.
 */
const passages: Readonly<Record<string, Passage>> = {
  subject: { from: anybody, to: anybody, telling: true },
  priority: { from: own, to: own },
  'alert-info': { from: own, to: own },
  'call-info': { from: own, to: own, telling: true },
  // On whose behalf a call comes (RFC 5806, RFC 7044): of a PBX to a provider only its customer's own numbers.
  diversion: { from: ['pbx', 'carrier'], to: anybody },
  'history-info': { from: ['pbx', 'carrier'], to: anybody },
  // A provider's word for a number (RFC 8224). Ours to a provider it could not be: it signs another From.
  identity: { from: ['carrier'], to: own, telling: true },
}

/** The headers of the caller's INVITE which its callee hears as they are. */
export function passedOn({ caller, decision }: Call, { decision: there }: Hunt): Header[] {
  if (!decision || !there) return []
  const [from, to] = [callerKind(decision), calleeKind(there)]
  const privacy = privacyOf(caller.invite)
  const hidden = privacy.header || isHidden({ caller, decision })
  return caller.invite.headers.flatMap(([name, value]): Header[] => {
    const passage = passages[name]
    if (!passage?.from.includes(from) || !passage.to.includes(to) || (hidden && passage.telling)) return []
    if (!diverting.has(name)) return [[name, value]]
    const told = splitList(value).filter((one) => mayBeTold(one, { caller, decision }, from, to, privacy))
    return told.length > 0 ? [[name, told.join(', ')]] : []
  })
}

/** Of an INVITE which another relay of ours wrote for this callee, what it shall hear: all of that was looked at there. */
export function saidAsItIs(invite: Request): Header[] {
  return invite.headers.filter(([name]) => name in passages || written.has(name))
}

const written: ReadonlySet<string> = new Set(['p-asserted-identity', 'privacy', 'referred-by'])

/** Who transfers the call, as its customer's own may hear (RFC 3892): it is our word, in an INVITE which we made. */
export function referredBy({ joining, caller, decision }: Call): Header[] {
  const passes = joining && decision && calleeKind(decision) !== 'carrier' && !isHidden({ caller, decision })
  return passes ? caller.invite.headers.filter(([name]) => name === 'referred-by') : []
}

/** User parts of the addresses an INVITE says it was diverted by, each once; a hostile one may name any number. */
export function divertedBy(invite: Request): string[] {
  const diverted = diversionsOf(invite).flatMap(({ user }) => user || [])
  const users = [...diverted, ...invite.all('history-info').flatMap(usersOf)]
  return [...new Set(users)].slice(0, divertersAtMost)
}

/**
 * Where an INVITE says that its call was before, and how often it was sent on (`counter`, RFC 5806 §4); undefined where it
 * says nothing of it. The end of a history is the number which is called now (RFC 7044 §9.2).
 */
export function beenTo(invite: Request): { by: string[]; times: number } | undefined {
  const diversions = diversionsOf(invite)
  const history = invite.all('history-info').flatMap(usersOf)
  const before = history.slice(0, history.findLastIndex((user) => user !== history.at(-1)) + 1)
  const by = [...new Set([...diversions.flatMap(({ user }) => user || []), ...before])]
  const times = diversions.reduce((sum, { counter }) => sum + counter, 0)
  return by.length + times > 0 ? { by: by.slice(0, beenToAtMost), times } : undefined
}

/** Whether the caller's number is kept from the callee: as it dialled, else as its INVITE asks. */
export function isHidden({ caller, decision }: Pick<Call, 'caller' | 'decision'>): boolean {
  return decision?.caller_id.hidden ?? privacyOf(caller.invite).identity
}

const diverting: ReadonlySet<string> = new Set(['diversion', 'history-info'])
const divertersAtMost = 8
const beenToAtMost = 32

/** What kind of party makes a call. */
export function callerKind({ direction, trunk_id }: RouteDecision): PartyKind {
  if (direction === 'incoming') return 'carrier'
  return trunk_id === null ? 'phone' : 'pbx'
}

function calleeKind({ targets }: ConnectDecision): PartyKind {
  if (targets.kind === 'providers') return 'carrier'
  return targets.kind === 'trunk' ? 'pbx' : 'phone'
}

/** Whether one member of a Diversion or History-Info goes to this callee. */
function mayBeTold(
  member: string,
  { caller: { invite }, decision: { caller_id } }: Pick<Call, 'caller'> & { decision: ConnectDecision },
  from: PartyKind,
  to: PartyKind,
  privacy: Privacy,
): boolean {
  // Who diverted may hide, too (RFC 7044 §10.1.2); phones are outside what is trusted with it.
  const hides = /privacy\s*=\s*"?(?!off|none)/i.test(member)
  if (to === 'phone') return !hides && !privacy.history
  if (to === 'pbx' || from === 'carrier') return true
  // The end of a history is the number which is called now.
  const told = [...caller_id.diverting, userOf({ sip: invite.target, uri: invite.requestUri })]
  return usersOf(member).every((user) => told.includes(user)) && usersOf(member).length > 0
}

function usersOf(member: string): string[] {
  return parseNameAddrs(member)
    .map(userOf)
    .filter((user) => user !== '')
}
