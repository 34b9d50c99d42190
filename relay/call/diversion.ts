import { parseNameAddrs, userOf } from '../sip/address.ts'
import { splitList } from '../sip/grammar.ts'
import type { Header } from '../sip/message.ts'
import type { Branch, Call, Hunt, SoughtTarget } from './state.ts'

/*
 * On whose behalf a call comes which was sent on, towards providers which want to hear it; and by which number of the house
 * one PBX calls another, which may send it on.
 */

/** Why a call is sent on: `reason` of RFC 5806 §4, and `cause` of RFC 4458 §4.3. */
const whys: Readonly<Record<SoughtTarget['why'], readonly [reason: string, cause: number]>> = {
  always: ['unconditional', 302],
  busy: ['user-busy', 486],
  no_answer: ['no-answer', 408],
  not_registered: ['unavailable', 503],
  failed: ['unavailable', 503],
  redirected: ['deflection', 480],
}

/**
 * What goes on to a branch (`passed`), with the header by which its provider hears who sends the call on. What the call
 * brought of that kind goes on in that header's form alone; to a provider which hears nothing of the kind, not at all.
 */
export function onBehalf(
  call: Call,
  branch: Branch,
  passed: readonly Header[],
  ourUri: (user: string) => string,
  requestUri: string,
): readonly Header[] {
  const { sought } = branch.hunt
  if (!sought || !branch.provider?.provider_id) return withHouseNumber(call, branch, passed, ourUri)
  const form = branch.provider.diversion
  const others = passed.filter(([name]) => name !== 'history-info' && (name !== 'diversion' || form === name))
  const number = divertingNumber(branch)
  if (number === undefined || form === 'off') return others
  const diverter = `<${ourUri(number)}>`
  const ours = { diversion, history_info: history }[form]
  return [ours(branch.hunt, sought, diverter, requestUri, passed), ...others]
}

/**
 * Between two PBXs the history ends with the number of the house which was called (RFC 7044 §9.2): where the called one sends
 * the call on and keeps that, a circle is known by it. It tells of no diversion: no one has sent the call on yet.
 */
function withHouseNumber(
  { record, decision }: Call,
  { hunt }: Branch,
  passed: readonly Header[],
  ourUri: (user: string) => string,
): readonly Header[] {
  const number = hunt.sought?.called ?? decision?.destination.target ?? ''
  const isBetween =
    record.direction === 'internal' && record.trunkId !== null && hunt.decision?.targets.kind === 'trunk'
  if (!isBetween || !/^\+\d+$/.test(number)) return passed
  const told = toldHistory(passed)
  if (parseNameAddrs(told.slice(-1)).some((last) => userOf(last) === number)) return passed
  const index = told.length > 0 ? `${lastIndex(told)}.1` : '1'
  const others = passed.filter(([name]) => name !== 'history-info')
  return [['history-info', [...told, `<${ourUri(number)}>;index=${index}`].join(', ')], ...others]
}

/** The last diversion, before those which the call brought (RFC 5806 §4). */
function diversion(hunt: Hunt, sought: SoughtTarget, diverter: string): Header {
  const [reason] = whys[sought.why]
  return ['diversion', `${diverter};reason=${reason};counter=${timesSentOn(hunt)}`]
}

/** Who was called, and who is called now, behind those which the call brought (RFC 7044 §9.2). */
function history(
  _: Hunt,
  sought: SoughtTarget,
  diverter: string,
  requestUri: string,
  passed: readonly Header[],
): Header {
  const told = toldHistory(passed)
  const before = told.length > 0 ? told : [`${diverter};index=1`]
  const index = lastIndex(before)
  const [, cause] = whys[sought.why]
  return [
    'history-info',
    [...before, `<${requestUri};cause=${cause}>;index=${index}.1;mp=${index}`].join(', '),
  ]
}

/** The members of the history which goes on. */
function toldHistory(passed: readonly Header[]): string[] {
  return passed.flatMap(([name, value]) => (name === 'history-info' ? splitList(value) : []))
}

function lastIndex(history: readonly string[]): string {
  return /;\s*index=([\d.]+)/i.exec(history.at(-1) ?? '')?.[1] ?? '1'
}

/** The number which was called first, else the one which is asserted: as the provider writes it, if it is that one. */
function divertingNumber({ hunt, provider }: Branch): string | undefined {
  const asserted = hunt.decision?.caller_id.asserted ?? undefined
  const called = hunt.sought?.called ?? ''
  const number = /^\+\d+$/.test(called) ? called : asserted
  return number === asserted ? (provider?.asserted ?? number) : number
}

/** How often it was: lists lead to lists. */
function timesSentOn({ parent, sought }: Hunt): number {
  return sought ? 1 + (parent ? timesSentOn(parent) : 0) : 0
}
