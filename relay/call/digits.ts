import type { DtmfForm } from '#contract'
import { inDialog } from '../dialog/request.ts'
import type { DigitAim, MediaReport } from '../ground/media.ts'
import { type KeyForm, mayTell, nextToTell, noteKey } from '../leg/keys.ts'
import type { InDialogRequest, Leg } from '../leg/leg.ts'
import { reachEarly } from '../leg/path.ts'
import type { Media } from '../sdp/description.ts'
import { activeMedia } from '../sdp/offer.ts'
import { mediaOf, type RelayedSdp } from '../sdp/relayed.ts'
import { eventTypesOf, g711Of, sendingOf, shareEvents, takesEvents, withEvents } from '../sdp/tones.ts'
import { noAuthorizations, prove, withProof } from '../sip/authorization.ts'
import { dtmfRelayType, type InfoDigit, infoBody, infoDigitOf } from '../sip/dtmf-relay.ts'
import { reply } from '../sip/reply.ts'
import { type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import type { ToldKey } from './call-events.ts'
import type { CallOrder } from './call-step.ts'
import { refuseRequest } from './pending-reinvite.ts'
import { firstLeg, heardAt, opposite, otherOf, sideOf } from './sides.ts'
import type { Branch, Call } from './state.ts'
import { inside, isTurned } from './turned.ts'

/*
 * Keys which one party presses, as the other hears them: in the form it is set to, or says that it takes.
 *
 *   events (RFC 4733), tones ── media thread ──► a report ─┐              ┌─► media thread: events, tones
 *                                                          ├─► keyHeard ──┤
 *   INFO ──────────────────────────────────────────────────┘              └─► INFO
 *
 * What both sides have in the same form passes as it came, and is only noted.
 */

/** How long a key is pressed of which only the beginning was heard, ms. */
const usualMs = 160

/** How a leg is to be sent keys, as whom it is configured. */
function settingOf({ decision, branches }: Call, leg: Leg): DtmfForm {
  if (leg.kind === 'uas') return decision?.dtmf ?? 'auto'
  const { provider, hunt }: Partial<Branch> = branches.find((branch) => branch === leg) ?? {}
  if (provider) return provider.dtmf ?? 'auto'
  const targets = hunt?.decision?.targets
  if (targets?.kind === 'extension') return targets.extension.dtmf ?? 'auto'
  return (targets?.kind === 'trunk' ? targets.trunk.dtmf : undefined) ?? 'auto'
}

/** Who hears a leg, and is heard by it: before the answer too, where one who rings is heard. */
function partnerOf(call: Call, leg: Leg): Leg | undefined {
  return heardAt(call, opposite(sideOf(call, leg)))
}

/**
 * How a key which came in one form reaches a leg: in its media, or by INFO. A leg which is set to nothing and takes no events
 * is sent it as it came, if that can be. undefined where it has said nothing of its sound.
 */
function wayTo(call: Call, leg: Leg, came: KeyForm): KeyForm | undefined {
  const form = settingOf(call, leg)
  if (form === 'info') return 'info'
  if (!leg.aimed) return undefined
  // What goes past us, the relay hears which hands the call on.
  if (leg.aimed.past) return 'info'
  const sound = inside(call, leg, mediaOf(leg.aimed.said))
  if (form === 'auto' && came !== 'rfc4733' && !takesEvents(sound)) return came
  return sendingOf(sound, form)?.form ?? 'info'
}

/**
 * What one party said of its sound, with telephone events where the other is to be told of them: one which is set to be sent
 * those, or offers them (`offer`) while its partner takes keys in another form.
 */
export function withKeys(call: Call, to: Leg, said: RelayedSdp, offer: RelayedSdp | undefined): RelayedSdp {
  if (settingOf(call, to) === 'rfc4733') return withEvents(said)
  const partner = partnerOf(call, to)
  const converted = partner && ['info', 'inband'].includes(settingOf(call, partner))
  return converted && offer && takesEvents(mediaOf(offer)) ? withEvents(said) : said
}

/** What the media thread listens for in a leg's sound, and how it sends it keys; undefined: neither. */
export function digitAimOf(call: Call, leg: Leg, said: RelayedSdp): DigitAim | undefined {
  const own = inside(call, leg, mediaOf(said))
  const spoken = [...spokenBy(call, leg), own]
  const partner = partnerOf(call, leg)
  const onward = (came: KeyForm) => (partner && wayTo(call, partner, came)) ?? came
  const events = eventTypesOf(spoken)
  const form = settingOf(call, leg)
  const listens = form === 'inband' || (form !== 'info' && events.length === 0)
  // A flow hears whom it is with in whatever form that presses keys.
  const alone = call.flow !== undefined && leg === firstLeg(call) && !partner
  const tones = alone || (listens && onward('inband') !== 'inband') ? g711Of(spoken) : []
  const send = form === 'info' ? undefined : sendingOf(own, form)
  if (events.length === 0 && tones.length === 0 && !send) return undefined
  const passes = events.length === 0 || eventsPass(call, leg, partner)
  return { events: events.slice(), passes, ...(tones.length > 0 && { tones }), ...(send && { send }) }
}

/** Whether its telephone events are passed to its partner as they are; so they are while that has said nothing. */
function eventsPass(call: Call, leg: Leg, partner: Leg | undefined): boolean {
  const way = partner && wayTo(call, partner, 'rfc4733')
  if (way !== 'rfc4733' || !partner?.aimed) return way === undefined
  // Their numbers and times are not those of the sound beside them any more.
  if (isTurned(call, leg) || isTurned(call, partner)) return false
  return shareEvents(spokenBy(call, leg), mediaOf(partner.aimed.said))
}

/** The descriptions by whose numbers a leg speaks, or does where its Opus has become G.711: what it was told, and its own. */
export function spokenBy(call: Call, leg: Leg): Media[] {
  const { sdp, aimed } = leg
  const said = [activeMedia(sdp.sent), aimed && mediaOf(aimed.said)].filter((media) => media !== undefined)
  return said.map((media) => inside(call, leg, media))
}

/** The media thread heard a key of a leg. */
export function keyReported(
  call: Call,
  { session, side, key, form }: Extract<MediaReport, { type: 'digit' }>,
  endpoint: SipEndpoint,
): CallOrder[] {
  const legs = [heardAt(call, 'caller'), heardAt(call, 'callee')]
  const leg = legs.find((one) => one?.media?.session === session && one.media.side === side)
  if (!leg || !noteKey(leg, key, form, call.now)) return []
  return sendKey(call, leg, { key, ms: usualMs }, form, endpoint)
}

/**
 * What a party asks by an INFO about a key: it is answered here and sent on in the other's form. undefined where it is no
 * such INFO, or the other takes it as it is.
 */
export function keyAsked(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] | undefined {
  const { leg, request, transaction, source } = asked
  const digit = request.method === 'INFO' ? infoDigitOf(request) : undefined
  const other = otherOf(call, leg)
  if (!digit || !other) return undefined
  const isNew = noteKey(leg, digit.key, 'info', call.now)
  const way = wayTo(call, other, 'info')
  if (isNew && (way === 'info' || way === undefined)) return undefined
  const ok: CallOrder = { type: 'respond', transaction, response: reply(request, 200, { flow: source }) }
  return isNew ? [ok, ...sendKey(call, leg, digit, 'info', endpoint)] : [ok]
}

/**
 * The same before the answer: whichever form the other takes, the key is answered here. It is 500 where no other party can
 * be told: the caller may press it again.
 */
export function keyAskedEarly(call: Call, asked: InDialogRequest, endpoint: SipEndpoint): CallOrder[] {
  const { leg, request, transaction, source } = asked
  const digit = infoDigitOf(request)
  const other = partnerOf(call, leg) ?? ringingAlone(call)
  const way = other && wayTo(call, other, 'info')
  if (!digit || !other || way === undefined) return [refuseRequest(asked, 500, [['retry-after', '2']])]
  const ok: CallOrder = { type: 'respond', transaction, response: reply(request, 200, { flow: source }) }
  if (!noteKey(leg, digit.key, 'info', call.now)) return [ok]
  return [ok, ...sendBy(call, other, way, digit, endpoint)]
}

/** Whom the caller means before the other party was heard: the only one who rings. */
function ringingAlone({ branches }: Call): Leg | undefined {
  const [one, ...more] = branches.filter(({ state, heard }) => state === 'calling' && heard === 'ringing')
  return more.length === 0 ? one : undefined
}

/** Presses a key towards a leg, in the form it takes. */
export function pressKey(call: Call, to: Leg, digit: InfoDigit, endpoint: SipEndpoint): CallOrder[] {
  const way = wayTo(call, to, 'rfc4733')
  return way === undefined ? [] : sendBy(call, to, way, digit, endpoint)
}

/** Sends on a key which came in one form, if its partner takes it in another. */
function sendKey(call: Call, from: Leg, digit: InfoDigit, form: KeyForm, endpoint: SipEndpoint): CallOrder[] {
  const other = partnerOf(call, from)
  const way = other && wayTo(call, other, form)
  if (!other || way === undefined) return []
  if (way === form && (form !== 'rfc4733' || eventsPass(call, from, other))) return []
  return sendBy(call, other, way, digit, endpoint)
}

function sendBy(
  call: Call,
  to: Leg,
  way: KeyForm,
  { key, ms }: InfoDigit,
  endpoint: SipEndpoint,
): CallOrder[] {
  if (way === 'info') return mayTell(to, { key, ms }, call.now) ? informOf(to, { key, ms }, endpoint) : []
  const { media } = to
  if (!media) return []
  const { session, side } = media
  return [{ type: 'media', command: { type: 'digits', session, side, keys: key, ms } }]
}

function informOf(leg: Leg, digit: InfoDigit, endpoint: SipEndpoint): CallOrder[] {
  const way = reachEarly(leg)
  if (!way) return []
  const request = inDialog(way.dialog, {
    method: 'INFO',
    via: viaOf(endpoint, way.flow),
    headers: [['content-type', dtmfRelayType]],
    body: infoBody(digit),
  })
  const role = { role: 'key', leg, proofs: noAuthorizations } as const
  return [{ type: 'request', request, flow: way.flow, role }]
}

/**
 * An INFO of ours was answered: one which is to be proved goes once more. What else is said of a key changes nothing, and
 * the next goes.
 */
export function keyAnswered(call: Call, told: ToldKey, endpoint: SipEndpoint): CallOrder[] {
  if (told.response && told.response.status < 200) return []
  const again = provedOf(told, endpoint)
  if (again) return [again]
  const next = nextToTell(told.leg, call.now)
  return next ? informOf(told.leg, next, endpoint) : []
}

function provedOf(
  { leg, proofs, sent, flow, response }: ToldKey,
  endpoint: SipEndpoint,
): CallOrder | undefined {
  const dialog = reachEarly(leg)?.dialog
  const proved = response && prove(proofs, response, sent, leg.account, endpoint)
  // One of another fork is told to no one any more.
  if (!proved || !dialog || dialog.remoteTag !== (sent.to.tag ?? '')) return undefined
  const request = withProof(sent, ++dialog.localCseq, proved, viaOf(endpoint, flow))
  return { type: 'request', request, flow, role: { role: 'key', leg, proofs: proved } }
}
