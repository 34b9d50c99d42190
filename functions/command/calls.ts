import { callSentence, triedWords } from '../console/call-sentence.ts'
import type { Finding, ShownCall } from '../console/shown.ts'
import { type CommandRequest, noWords, shownAsJson, type TerminalCommand } from './asked.ts'
import type { ToldEvent } from './edge-client.ts'
import { followed } from './events.ts'
import { CommandFailure } from './failure.ts'
import { columns, harmless, painted } from './terminal.ts'

type TriedPlace = ShownCall['attempts'][number]

/** Calls as they come and go. */
export const callsTail: TerminalCommand = {
  takes: '',
  about: 'calls as they come and go, until Ctrl-C',
  options: {},
  run: async (asked) => {
    noWords(asked)
    return followed(asked, 'call.*', callLine)
  },
}

/** What became of a call, in a line for each thing that happened. */
function callLine({ type, data, resource_id, tm_create }: ToldEvent): string[] {
  const { source, destination, reject_message, hangup_reason, duration, attempt } = data as {
    source?: { target: string }
    destination?: { target: string }
    reject_message?: string | null
    hangup_reason?: string | null
    duration?: number | null
    attempt?: TriedPlace
  }
  const why = [
    attempt && `${attempt.provider_name} ${triedWords(attempt)}`,
    hangup_reason,
    duration ? `${duration} s` : undefined,
    reject_message,
  ]
  const parties = `${source?.target ?? '?'} → ${destination?.target ?? '?'}`
  const said = why.filter((one) => one !== undefined && one !== null && one !== '').join(', ')
  return [tm_create.slice(11, 19), type.replace('call.', ''), parties, String(resource_id), said].map(
    harmless,
  )
}

/** Why a call went as it did. */
export const callWhy: TerminalCommand = {
  takes: '[ID]',
  about: 'why a call went as it did; without an id the latest',
  options: {},
  run: async (asked) => {
    const { edge, terminal } = asked
    const id = asked.words[0] ?? (await latest(asked))
    const path = `/v1.0/calls/${encodeURIComponent(id)}`
    const call = await edge.ask<ShownCall>('GET', path)
    const diagnosis = await edge.ask<{ verdict: string; findings: Finding[] }>('GET', `${path}/diagnosis`)
    if (shownAsJson(asked, { call, diagnosis })) return 0
    terminal.out(painted(terminal, 'bold', harmless(callSentence(call))))
    for (const line of columns(call.attempts.map((one, at) => [`${at + 1}.`, ...attemptColumns(one)])))
      terminal.out(`  ${line}`)
    const colour = { failed: 'red', impaired: 'yellow', healthy: 'green' } as const
    const verdict = diagnosis.verdict as keyof typeof colour
    terminal.out(painted(terminal, colour[verdict] ?? 'dim', diagnosis.verdict))
    for (const { code, sentence, what_to_do } of diagnosis.findings) {
      terminal.out(`${painted(terminal, 'bold', code)}  ${harmless(sentence)}`)
      terminal.out(`  ${harmless(what_to_do)}`)
    }
    return 0
  },
}

function attemptColumns(attempt: TriedPlace) {
  return [attempt.provider_name, attempt.address, triedWords(attempt)].map(harmless)
}

async function latest({ edge }: CommandRequest): Promise<string> {
  const { result } = await edge.ask<{ result: { id: string }[] }>('GET', '/v1.0/calls?page_size=1')
  const [call] = result
  if (!call) throw new CommandFailure('refused', 'There was no call yet.')
  return call.id
}
