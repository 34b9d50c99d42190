import type { CallTell, MediaSide } from '#contract'
import { type Reach, reachOf } from '#routing'
import { type Finding, found, type Severity } from './finding.ts'

type Sound = NonNullable<CallTell['call']['media']>
type Talker = 'caller' | 'callee'

/** Talked in for less, a call's counters say nothing. */
const secondsAtLeast = 5
/** Share of packets from which on a listener notices that they are missing (ITU-T G.113 with a codec which conceals). */
const lossHeard = 0.02
/** More than phones' buffers usually take. */
const jitterHeardMs = 60
/** Below it many listeners are dissatisfied (ITU-T G.107 annex B). */
const mosHeard = 3.6
/** There and back: beyond it people interrupt each other (ITU-T G.114). */
const roundTripHeardMs = 600
/** RTCP comes every five seconds: one report by which nothing came may be of a moment. */
const unheardAtLeast = 2
/** And so many of all of them are a part of the call which was missed. */
const unheardShare = 0.1
/** Packets from elsewhere which are no stray ones. */
const strayAtLeast = 50

/** What is wrong with a call's sound, by its codecs and after so many seconds of talking its counters; null: nothing. */
export function soundWords(sound: Sound, seconds: number): string | null {
  const words = soundFaults(sound, seconds).map(({ sentence }) => sentence)
  return words.length > 0 ? words.join(' ') : null
}

/** The same as findings, and what else the counters tell of a call whose sound is not as it should be. */
export function soundFindings(sound: Sound, seconds: number): Finding[] {
  const faults = soundFaults(sound, seconds)
  if (seconds < secondsAtLeast) return faults
  return [
    ...onesided(sound, faults),
    ...parties.flatMap((party) => placeFindings(party, sideOf(sound, party))),
    ...parties.flatMap((party) => quietlyPoor(party, sideOf(sound, party), faults)),
  ]
}

const parties = ['caller', 'callee'] as const

function sideOf({ from_caller, from_callee }: Sound, party: Talker): MediaSide {
  return party === 'caller' ? from_caller : from_callee
}

function soundFaults({ from_caller, from_callee }: Sound, seconds: number): Finding[] {
  const heard =
    seconds < secondsAtLeast
      ? []
      : [
          ...sideFaults('caller', from_caller),
          ...sideFaults('callee', from_callee),
          ...hearingFaults('callee', from_callee, 'caller', from_caller),
          ...hearingFaults('caller', from_caller, 'callee', from_callee),
        ]
  return [...codecFaults(from_caller.codecs, from_callee.codecs), ...heard]
}

/** Sound is passed through as it is, but for the two laws of G.711: any other codec which only one side speaks is noise. */
function codecFaults(callers: readonly string[], callees: readonly string[]): Finding[] {
  const shared = (name: string) => callees.includes(name) || (isG711(name) && callees.some(isG711))
  const known = callers.length === 0 || callees.length === 0 || callers.some(shared)
  if (known) return []
  const sentence = `No codec is common: the caller speaks ${callers.join(', ')}, the callee ${callees.join(', ')}.`
  return [
    found('NO_COMMON_CODEC', sentence, 'Allow PCMU or PCMA on both sides.', {
      severity: 'error',
      evidence: { caller_codecs: callers, callee_codecs: callees },
    }),
  ]
}

function isG711(name: string): boolean {
  return name === 'PCMU' || name === 'PCMA'
}

function sideFaults(party: Talker, heard: MediaSide): Finding[] {
  if (heard.packets === 0) return isNobody(heard) ? [] : [silence(party, heard)]
  const { packets, lost, jitter_ms, unauthentic } = heard
  const share = lost / (packets + lost)
  const loss = `${(share * 100).toFixed(1)} % of the packets from the ${party} were lost on their way to the relay.`
  const jitter = `The packets from the ${party} come unevenly: ${Math.round(jitter_ms)} ms of jitter.`
  return [
    ...(share >= lossHeard
      ? [fault('PACKET_LOSS_FROM', party, loss, network(party), { packets, lost, share: rounded(share) })]
      : []),
    ...(jitter_ms >= jitterHeardMs
      ? [fault('JITTER_FROM', party, jitter, network(party), { packets, jitter_ms })]
      : []),
    ...(unauthentic / (packets + unauthentic) >= lossHeard ? [wrongKey(party, heard)] : []),
  ]
}

/** No party was on that side: a flow spoke to the other. A relay which tells no place of its own is too old to tell that. */
function isNobody({ local_address, sdp_address, signalling, codecs }: MediaSide): boolean {
  return local_address !== null && sdp_address === null && signalling === null && codecs.length === 0
}

function fault(
  code: string,
  party: Talker,
  sentence: string,
  todo: string,
  evidence: Finding['evidence'],
  severity: Severity = 'warning',
): Finding {
  return found(`${code}_${party.toUpperCase()}`, sentence, todo, { severity, evidence })
}

function network(party: Talker): string {
  return `Look for a busy uplink or weak Wi-Fi between the ${party} and the relay, and let voice go first there (QoS, DSCP EF).`
}

function wrongKey(party: Talker, { packets, unauthentic }: MediaSide): Finding {
  const todo = 'See which device answers there: it has another key than the one whose description came.'
  return fault('WRONG_KEY_FROM', party, keyWords(party, unauthentic), todo, { packets, unauthentic })
}

/** It is another device than the one whose description came, or one which keeps an old key, or others who have none. */
function keyWords(side: string, unauthentic: number): string {
  return `${unauthentic} packets from the ${side} were not encrypted with the key it named, or were forged.`
}

/** What one side says of its hearing, which our own counters do not know: packets which left us may get nowhere. */
function hearingFaults(party: Talker, said: MediaSide, other: Talker, sent: MediaSide): Finding[] {
  const { reports, reports_unheard: unheard } = said
  if (unheard < unheardAtLeast || unheard / reports < unheardShare)
    return reportedFaults(party, said, other, sent)
  return [unhearing(party, said, other, sent)]
}

/** Sound was sent to it, and by its own reports nothing came. One whose reports never told of a source may tell of none at all. */
function unhearing(party: Talker, said: MediaSide, other: Talker, sent: MediaSide): Finding {
  const { reports, reports_unheard, reported_lost, latched_address, sdp_address, local_address, cipher } =
    said
  const place = latched_address ?? sdp_address ?? 'where it is'
  const whom = isNobody(sent) ? '' : ` of the ${other}`
  const always = reports_unheard === reports
  const tells = reported_lost !== null
  const much = always ? `nothing${whom}` : `nothing${whom} for a part of the call`
  const which = always ? `all of its ${reports}` : `${reports_unheard} of its ${reports}`
  const keys =
    cipher === null ? '' : ' See also that it opens what is sent to it by the key it was told (SRTP).'
  return fault(
    'NOTHING_HEARD_BY',
    party,
    `The ${party} ${tells ? 'heard' : 'seems to have heard'} ${much}: sound was sent to ${place}, and by ${which} RTCP reports none came.`,
    `See that the firewall and NAT before the ${party} let UDP from ${local_address ?? 'the relay’s address (PUBLIC_IP)'} in to ${place}, that the device hears at the port it sends from (symmetric RTP), and that no SIP ALG rewrites its address.${keys}`,
    {
      reports,
      reports_unheard,
      reported_lost,
      sent_to: place,
      sent_from: local_address,
      packets_of_other: sent.packets,
    },
    always && tells ? 'error' : 'warning',
  )
}

/** What one side says that it missed of the other's packets, beyond those which never came to the relay. */
function reportedFaults(party: Talker, said: MediaSide, other: Talker, sent: MediaSide): Finding[] {
  const missed = (said.reported_lost ?? 0) - sent.lost
  if (sent.packets === 0 || missed / sent.packets < lossHeard) return []
  const share = Math.min(1, missed / sent.packets)
  const sentence = `The ${party} says that ${(share * 100).toFixed(1)} % of the packets from the ${other} were lost between the relay and it.`
  const evidence = { packets_sent: sent.packets, reported_lost: said.reported_lost, share: rounded(share) }
  return [fault('PACKET_LOSS_TOWARDS', party, sentence, network(party), evidence)]
}

function silence(party: Talker, heard: MediaSide): Finding {
  const { dropped, unauthentic, sdp_address, local_address, latched_address } = heard
  const place = local_address === null ? '' : `, which was told to send to ${local_address}`
  const itself = sdp_address === null ? '' : ` and says that it is at ${sdp_address}`
  const stray = dropped - unauthentic
  const others = stray > 0 ? ` ${stray} packets came from another place, or were no sound.` : ''
  const keys = unauthentic > 0 ? ` ${keyWords(party, unauthentic)}` : ''
  return fault(
    'ONE_WAY_AUDIO_NO_RTP_FROM',
    party,
    `Nothing was heard from the ${party}${place}${itself}.${others}${keys}`,
    stray > 0
      ? `Let the device of the ${party} send its sound from where it says that it is (symmetric RTP), and say the address at which it is seen (its NAT or STUN setting); switch SIP ALG off in its router.`
      : `See that packets of the ${party} to the relay’s RTP ports (UDP) pass its firewall and NAT, and that ${local_address ?? 'the relay’s address (PUBLIC_IP)'} can be reached from there.`,
    { packets: 0, dropped, unauthentic, sdp_address, latched_address, told_to_send_to: local_address },
    'error',
  )
}

/** Where neither side is heard it is one thing, not two. Packets from elsewhere show that our ports are open: what a side is to do stays, then. */
function onesided({ from_caller, from_callee }: Sound, faults: readonly Finding[]): Finding[] {
  const silent = faults.filter(({ code }) => code.startsWith('ONE_WAY_AUDIO'))
  if (silent.length < 2) return [...faults]
  const strayed = [from_caller, from_callee].some(({ dropped, unauthentic }) => dropped > unauthentic)
  const { local_address } = from_caller
  const both = found(
    'NO_AUDIO',
    silent.map(({ sentence }) => sentence).join(' '),
    strayed
      ? silent.map(({ what_to_do }) => what_to_do).join(' ')
      : `See that the relay’s RTP ports (RTP_PORTS, UDP) are open, and that ${local_address ?? 'PUBLIC_IP'} is the address at which the world finds it.`,
    {
      severity: 'error',
      evidence: {
        caller_sdp_address: from_caller.sdp_address,
        callee_sdp_address: from_callee.sdp_address,
        told_caller_to_send_to: local_address,
        told_callee_to_send_to: from_callee.local_address,
      },
    },
  )
  return [both, ...faults.filter((one) => !silent.includes(one))]
}

/** Where a side says that it is, and is not. */
function placeFindings(party: Talker, side: MediaSide): Finding[] {
  const { packets, dropped, unauthentic, sdp_address, latched_address, local_address } = side
  const evidence = { sdp_address, latched_address, packets, dropped }
  const stray = dropped - unauthentic
  const elsewhere = `${stray} packets for the ${party}’s sound came from another place than ${latched_address}, where it speaks from.`
  return [
    ...(packets === 0 && isOutOfReach(sdp_address, local_address)
      ? [privateAddress(party, sdp_address, evidence)]
      : []),
    ...(packets > 0 && stray >= strayAtLeast && stray / (packets + stray) >= lossHeard
      ? [fault('AUDIO_FROM_ELSEWHERE', party, elsewhere, oneDevice, evidence)]
      : []),
  ]
}

const oneDevice =
  'See that one device alone sends there, and that its NAT keeps one port for a call (no symmetric re-mapping, no SIP ALG).'

function privateAddress(party: Talker, address: string | null, evidence: Finding['evidence']): Finding {
  const sentence = `The session description of the ${party} names ${address}, which cannot be reached from the relay, and no packet showed where it really is.`
  const todo =
    'Let the device speak first (no “wait for RTP”, no silence suppression), set its NAT or STUN setting, and switch SIP ALG off in its router.'
  return fault('PRIVATE_ADDRESS_IN_SDP_OF', party, sentence, todo, evidence)
}

/** Whether an address belongs to a network which the relay, at `local`, is not in. Names, and what is not known, may be reached. */
function isOutOfReach(place: string | null, local: string | null): boolean {
  const [there, here] = [reachAt(place), reachAt(local)]
  return (there === 'private' || there === 'loopback') && there !== here
}

/** How far the address of `host:port` reaches; undefined: it is none. */
export function reachAt(place: string | null): Reach | undefined {
  return place === null ? undefined : reachOf(place.replace(/:\d+$/, ''))
}

/** Sound which is poor though neither loss nor jitter of its own is told. */
function quietlyPoor(party: Talker, side: MediaSide, faults: readonly Finding[]): Finding[] {
  const { packets, mos, round_trip_ms } = side
  const told = faults.some(({ code }) => code.endsWith(`FROM_${party.toUpperCase()}`))
  const late = round_trip_ms !== null && round_trip_ms >= roundTripHeardMs
  const poor = `The sound from the ${party} has a MOS of ${mos?.toFixed(1)} of 4.5.`
  const delay = `From the relay to the ${party} and back takes ${Math.round(round_trip_ms ?? 0)} ms: people interrupt each other.`
  const nearer = `Use a relay nearer to the ${party}, and look for a full buffer (bufferbloat) or a VPN on the way.`
  return [
    ...(mos !== null && mos < mosHeard && packets > 0 && !told
      ? [fault('POOR_SOUND_FROM', party, poor, network(party), { mos, packets })]
      : []),
    ...(late ? [fault('LONG_DELAY_TO', party, delay, nearer, { round_trip_ms })] : []),
  ]
}

function rounded(share: number): number {
  return Math.round(share * 1000) / 1000
}
