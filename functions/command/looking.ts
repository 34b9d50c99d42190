import { type CommandRequest, noWords, oneWord, shownAsJson, type TerminalCommand, textOf } from './asked.ts'
import type { ApiRow } from './edge-client.ts'
import { CommandFailure } from './failure.ts'
import { columns, harmless, painted } from './terminal.ts'

/** Where a call would go, and why. */
export const route: TerminalCommand = {
  takes: 'PLACE',
  about: 'where a call to a number or name would go, and why',
  options: { from: { type: 'string', about: 'the extension which calls; else the first there is' } },
  run: async (asked) => {
    const { edge, terminal } = asked
    const to = oneWord(asked, 'PLACE')
    const from = textOf(asked, 'from') ?? (await firstPhone(asked))
    const decision = await edge.ask<Resolved | null>('POST', '/v1.0/routes/resolve', { from, to })
    if (shownAsJson(asked, decision)) return decision?.outcome === 'reject' ? 1 : 0
    if (decision === null) throw new CommandFailure('refused', `${from} is none who could call.`)
    const { outcome, message, status, reason, candidates } = decision
    const refused = outcome === 'reject'
    const words = [outcome, status, reason, message].filter((one) => one !== null && one !== '').join(' · ')
    terminal.out(`${from} → ${to}: ${painted(terminal, refused ? 'red' : 'green', harmless(words))}`)
    const rows = candidates.map(({ kept, order, provider_name, route_name, code, why }) =>
      [kept ? `${order}.` : '–', provider_name, route_name, code, why].map(harmless),
    )
    for (const line of columns(rows)) terminal.out(`  ${line}`)
    return refused ? 1 : 0
  },
}

interface Resolved {
  readonly outcome: string
  readonly message: string
  readonly status: number | null
  readonly reason: string | null
  readonly candidates: readonly {
    readonly kept: boolean
    readonly order: number | null
    readonly provider_name: string
    readonly route_name: string
    readonly code: string
    readonly why: string
  }[]
}

async function firstPhone({ edge }: CommandRequest): Promise<string> {
  const [first] = await edge.all('/v1.0/extensions')
  if (!first) throw new CommandFailure('usage', 'There is no extension yet: say who calls by --from.')
  return String(first.extension)
}

/** Phones, and where each is registered. */
export const phones: TerminalCommand = {
  takes: '',
  about: 'phones, and where each is registered',
  options: {},
  run: async (asked) => {
    noWords(asked)
    const { edge, terminal } = asked
    const [all, registrations] = await Promise.all([
      edge.all('/v1.0/extensions'),
      edge.all('/v1.0/registrations'),
    ])
    const places = (id: string) => registrations.filter(({ extension_id }) => extension_id === id)
    if (
      shownAsJson(
        asked,
        all.map((phone) => ({ ...phone, registrations: places(phone.id) })),
      )
    )
      return 0
    const rows = all.flatMap((phone) => phoneRows(phone, places(phone.id)))
    if (rows.length === 0) terminal.out('There is no phone yet.')
    for (const line of columns(rows)) terminal.out(line)
    return 0
  },
}

function phoneRows({ extension, name }: ApiRow, places: readonly ApiRow[]): string[][] {
  const own = [extension, name].map(harmless)
  if (places.length === 0) return [[...own, 'not registered']]
  return places.map(({ transport, source_address, source_port, user_agent, tm_expire }) =>
    [...own, `${transport} ${source_address}:${source_port}`, user_agent, `until ${tm_expire}`].map(harmless),
  )
}

/** Tries a provider. */
export const providerTest: TerminalCommand = {
  takes: 'PROVIDER',
  about: 'try a provider, by its name or id',
  options: { call: { type: 'string', about: 'a number to call for a moment; else OPTIONS is sent' } },
  run: async (asked) => {
    const { edge, terminal } = asked
    const { id, name } = await named(asked, oneWord(asked, 'PROVIDER'))
    const to = textOf(asked, 'call')
    const body = to === undefined ? { type: 'options' } : { type: 'call', to }
    const trial = await edge.ask<{
      ok: boolean | null
      verdict: string
      steps: { ok: boolean; words: string }[]
    }>('POST', `/v1.0/providers/${id}/test`, body)
    if (shownAsJson(asked, trial)) return trial.ok === true ? 0 : 1
    for (const { ok, words } of trial.steps)
      terminal.out(`  ${painted(terminal, ok ? 'green' : 'red', ok ? '✓' : '✗')} ${harmless(words)}`)
    terminal.out(
      `${harmless(name)}: ${painted(terminal, trial.ok ? 'green' : 'red', harmless(trial.verdict))}`,
    )
    return trial.ok === true ? 0 : 1
  },
}

async function named({ edge }: CommandRequest, word: string): Promise<ApiRow> {
  const all = await edge.all('/v1.0/providers')
  const found = all.filter(({ id, name }) => id === word || name === word)
  const [one, other] = found
  if (!one) throw new CommandFailure('refused', `There is no provider ${word}. ${thoseThere(all)}`)
  if (other) throw new CommandFailure('usage', `Several providers are called ${word}: say which by its id.`)
  return one
}

/** What may have been meant: the names there are, as far as they go into a sentence. */
function thoseThere(all: readonly ApiRow[]): string {
  if (all.length === 0) return 'None is made yet.'
  const names = all.slice(0, 10).map(({ name, id }) => harmless(name || id))
  return `There are: ${names.join(', ')}${all.length > names.length ? ', …' : ''}.`
}
