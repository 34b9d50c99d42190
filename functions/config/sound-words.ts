import type { CallTell, MediaSide } from '#contract'

type Sound = NonNullable<CallTell['call']['media']>

/** Talked in for less, a call's counters say nothing. */
const secondsAtLeast = 5
/** Share of packets from which on a listener notices that they are missing (ITU-T G.113 with a codec which conceals). */
const lossHeard = 0.02
/** More than phones' buffers usually take. */
const jitterHeardMs = 60

/** What is wrong with a call's sound, by its codecs and after so many seconds of talking its counters; null: nothing. */
export function soundWords({ from_caller, from_callee }: Sound, seconds: number): string | null {
  const heard =
    seconds < secondsAtLeast
      ? []
      : [
          ...sideWords('caller', from_caller),
          ...sideWords('callee', from_callee),
          ...reportedWords('callee', from_callee, 'caller', from_caller),
          ...reportedWords('caller', from_caller, 'callee', from_callee),
        ]
  const words = [...codecWords(from_caller.codecs, from_callee.codecs), ...heard]
  return words.length > 0 ? words.join(' ') : null
}

/** Sound is passed through as it is, but for the two laws of G.711: any other codec which only one side speaks is noise. */
function codecWords(callers: readonly string[], callees: readonly string[]): string[] {
  const shared = (name: string) => callees.includes(name) || (isG711(name) && callees.some(isG711))
  const known = callers.length === 0 || callees.length === 0 || callers.some(shared)
  return known
    ? []
    : [`No codec is common: the caller speaks ${callers.join(', ')}, the callee ${callees.join(', ')}.`]
}

function isG711(name: string): boolean {
  return name === 'PCMU' || name === 'PCMA'
}

function sideWords(side: 'caller' | 'callee', heard: MediaSide): string[] {
  if (heard.packets === 0) return [silenceWords(side, heard)]
  const { packets, lost, jitter_ms, unauthentic } = heard
  const share = lost / (packets + lost)
  const loss = `${(share * 100).toFixed(1)} % of the packets from the ${side} were lost on their way to the relay.`
  const jitter = `The packets from the ${side} come unevenly: ${Math.round(jitter_ms)} ms of jitter.`
  return [
    ...(share >= lossHeard ? [loss] : []),
    ...(jitter_ms >= jitterHeardMs ? [jitter] : []),
    ...(unauthentic / (packets + unauthentic) >= lossHeard ? [keyWords(side, unauthentic)] : []),
  ]
}

/** It is another device than the one whose description came, or one which keeps an old key, or others who have none. */
function keyWords(side: string, unauthentic: number): string {
  return `${unauthentic} packets from the ${side} were not encrypted with the key it named, or were forged.`
}

/** What one side says that it missed of the other's packets, beyond those which never came to the relay. */
function reportedWords(side: string, { reported_lost }: MediaSide, other: string, sent: MediaSide): string[] {
  const missed = (reported_lost ?? 0) - sent.lost
  if (sent.packets === 0 || missed / sent.packets < lossHeard) return []
  const share = (Math.min(1, missed / sent.packets) * 100).toFixed(1)
  return [
    `The ${side} says that ${share} % of the packets from the ${other} were lost between the relay and it.`,
  ]
}

function silenceWords(side: string, heard: MediaSide): string {
  const { dropped, unauthentic, sdp_address, local_address } = heard
  const place = local_address === null ? '' : `, which was told to send to ${local_address}`
  const itself = sdp_address === null ? '' : ` and says that it is at ${sdp_address}`
  const stray = dropped - unauthentic
  const others = stray > 0 ? ` ${stray} packets came from another place, or were no sound.` : ''
  const keys = unauthentic > 0 ? ` ${keyWords(side, unauthentic)}` : ''
  return `Nothing was heard from the ${side}${place}${itself}.${others}${keys}`
}
