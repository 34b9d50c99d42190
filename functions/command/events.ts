import { type CommandRequest, noWords, shownAsJson, type TerminalCommand, textOf } from './asked.ts'
import type { ToldEvent } from './edge-client.ts'
import { harmless, painted } from './terminal.ts'

/** What happened. */
export const events: TerminalCommand = {
  takes: '',
  about: 'what happened of late; with --follow what happens, until Ctrl-C',
  options: {
    follow: { type: 'boolean', about: 'go on as things happen' },
    type: { type: 'string', about: 'one type, or the beginning of several: registration.*' },
  },
  run: async (asked) => {
    noWords(asked)
    const type = textOf(asked, 'type')
    if (asked.options.follow === true) return followed(asked, type, eventLine)
    const query = type === undefined ? '' : `&type=${encodeURIComponent(type)}`
    const { result } = await asked.edge.ask<{ result: ToldEvent[] }>(
      'GET',
      `/v1.0/events?page_size=20${query}`,
    )
    if (shownAsJson(asked, result)) return 0
    for (const event of result.reverse()) asked.terminal.out(eventLine(event).join('  '))
    return 0
  },
}

/** An event in a line: its time, its type, the account it is about, and why. */
function eventLine({ type, resource_id, data, tm_create }: ToldEvent): string[] {
  const { account, name, why, reason, message, changed } = data
  const about = account ?? name ?? resource_id ?? ''
  const said = why || message || reason || (Array.isArray(changed) ? changed.join(', ') : '')
  return [tm_create.slice(0, 19).replace('T', ' '), type, about, said].map(harmless)
}

/** Shows what happens as it does, until it is called off: as lines, or with `--json` as one event a line. */
export async function followed(
  { edge, terminal, options, signal }: CommandRequest,
  type: string | undefined,
  line: (event: ToldEvent) => string[],
): Promise<number> {
  for await (const event of edge.events(type, signal)) {
    if (options.json === true) terminal.out(JSON.stringify(event))
    else {
      const [at = '', what = '', ...rest] = line(event)
      terminal.out([painted(terminal, 'dim', at), painted(terminal, 'bold', what), ...rest].join('  '))
    }
  }
  return 0
}
