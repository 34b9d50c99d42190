import type { SipMessage } from '#contract'
import type { ShownCall } from './shown.ts'
import { partyName } from './words.ts'

/** Who stands at the head of a column; an empty address: several, or none. */
export interface LadderParty {
  readonly name: string
  readonly address: string
}

/** A message as an arrow from one column to another, counted from the left. */
export interface LadderRow {
  readonly from: number
  readonly to: number
  /** ms since the first of all messages. */
  readonly ms: number
  /** `INVITE`, `200 OK`. */
  readonly label: string
  /** What a response answers, that a description of sound comes along, that it was sent before. */
  readonly note: string
  readonly tone: '' | 'good' | 'warn' | 'bad'
  readonly text: string
}

/** Who passed a message on: the second column, since all of them come and go by it. */
const OURS = 1

/** A call's messages as a ladder: the caller, this platform, and each party which was tried, in that order. */
export function ladderOf(
  call: Pick<ShownCall, 'source' | 'attempts'>,
  messages: readonly SipMessage[],
): { readonly parties: readonly LadderParty[]; readonly rows: readonly LadderRow[] } {
  const [caller] = messages
  const parties: LadderParty[] = [
    { name: partyName(call.source), address: caller?.address ?? '' },
    { name: 'Trunkline', address: '' },
  ]
  const columns = new Map([[caller?.sip_call_id, 0]])
  const seen = new Set<string>()
  const rows = messages.map((message): LadderRow => {
    const { sip_call_id, direction, ms, text } = message
    const column = columns.get(sip_call_id) ?? columnOf(parties, partyAt(message.address, call))
    columns.set(sip_call_id, column)
    const [from, to] = direction === 'in' ? [column, OURS] : [OURS, column]
    const once = `${sip_call_id} ${direction} ${text}`
    const isRepeat = seen.has(once)
    seen.add(once)
    return { from, to, ms: ms - (caller?.ms ?? 0), text, ...told(text, isRepeat) }
  })
  return { parties, rows }
}

/** The party at a leg's far end: a provider, or a phone, by the attempt which went there. */
function partyAt(address: string, { attempts }: Pick<ShownCall, 'attempts'>): LadderParty {
  const tried = attempts.find(
    (one) => one.address === address || one.tries.some((each) => each.address === address),
  )
  return { name: tried?.provider_name || tried?.destination || address, address }
}

/** Legs to the same party at the same place share a column. */
function columnOf(parties: LadderParty[], party: LadderParty): number {
  const known = parties.findIndex(
    ({ name, address }, column) => column > OURS && name === party.name && address === party.address,
  )
  return known === -1 ? parties.push(party) - 1 : known
}

function told(text: string, isRepeat: boolean): Pick<LadderRow, 'label' | 'note' | 'tone'> {
  const [, status = '', reason = ''] = /^SIP\/2\.0 (\d{3}) ?([^\r\n]*)/.exec(text) ?? []
  const [, answered = ''] = /^cseq[ \t]*:[ \t]*\d+[ \t]+(\S+)/im.exec(text) ?? []
  const notes = [
    status === '' ? '' : `to ${answered}`,
    /^(?:content-type|c)[ \t]*:[ \t]*application\/sdp/im.test(text) ? 'SDP' : '',
    isRepeat ? 'again' : '',
  ]
  return {
    label: status === '' ? requestIn(text) : `${status} ${reason}`.trim(),
    note: notes.filter((one) => one !== '').join(', '),
    tone: toneOf(status),
  }
}

/** An INVITE within a call changes it (RFC 3261 §14). */
function requestIn(text: string): string {
  const [method = 'unreadable'] = /^[A-Z]+/.exec(text) ?? []
  const isInside = /^(?:to|t)[ \t]*:[^\r\n]*;[ \t]*tag=/im.test(text)
  return method === 'INVITE' && isInside ? 're-INVITE' : method
}

/** A challenge is no refusal yet (RFC 3261 §22.1). */
function toneOf(status: string): LadderRow['tone'] {
  if (status === '401' || status === '407' || status.startsWith('3')) return 'warn'
  if (status.startsWith('2')) return 'good'
  return status > '3' ? 'bad' : ''
}
