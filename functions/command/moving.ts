import { readFileSync, writeFileSync } from 'node:fs'
import { apply, prune } from './applying.ts'
import { type CommandRequest, oneWord, shownAsJson, type TerminalCommand, textOf } from './asked.ts'
import { fromAsterisk } from './asterisk.ts'
import { type ConfigurationFile, namesById, writtenConfiguration } from './configuration.ts'
import { parseConfiguration, readConfiguration } from './configuration-reading.ts'
import { differenceLines, differencesOf, type ThingDifference } from './difference.ts'
import { CommandFailure } from './failure.ts'
import { harmless, painted } from './terminal.ts'
import { fromTwilio } from './twilio.ts'
import { refuseOddSecrets, type SecretVariable, variablesUsed } from './variables.ts'

/** Writes the configuration as one file. */
export const exporting: TerminalCommand = {
  takes: '[FILE]',
  about: 'the configuration as one file, without secrets; without FILE it is shown',
  options: {},
  run: async ({ edge, terminal, words }) => {
    const text = `${JSON.stringify(writtenConfiguration(await readConfiguration(edge)), undefined, 2)}\n`
    const [file] = words
    if (file === undefined) terminal.out(text.trimEnd())
    else written(file, text)
    return 0
  },
}

function written(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new CommandFailure(
      'usage',
      `${file} cannot be written: ${error instanceof Error ? error.message : error}`,
    )
  }
}

/** Formats beside our own, and what reads them. */
const foreign: Readonly<Record<string, (text: string) => Brought>> = {
  asterisk: fromAsterisk,
  twilio: fromTwilio,
}

interface Brought {
  readonly file: ConfigurationFile
  readonly left: readonly string[]
}

/** Makes the configuration what a file says. */
export const importing: TerminalCommand = {
  takes: 'FILE',
  about: 'make the configuration what a file says; what it does not name stays',
  options: {
    'dry-run': { type: 'boolean', about: 'show what would change, and change nothing' },
    prune: { type: 'boolean', about: 'take away what the file has not, of the nouns which it has' },
    from: { type: 'string', about: 'another format: asterisk (pjsip.conf), twilio (trunks as JSON)' },
    print: { type: 'boolean', about: 'of another format: show the file it comes to, and change nothing' },
  },
  run: async (asked) => {
    const { edge, terminal, options, environment } = asked
    const { file, left } = brought(asked)
    refuseOddSecrets(file)
    for (const sentence of left) terminal.aside(`left out: ${harmless(sentence)}`)
    if (options.print === true) {
      terminal.out(JSON.stringify(file, undefined, 2))
      return 0
    }
    const there = await readConfiguration(edge)
    const differences = differencesOf(file, writtenConfiguration(there, 'shown'))
    const goes = options.prune === true ? differences : differences.filter(({ kind }) => kind !== 'beyond')
    const used = variablesUsed(differences)
    if (used.length > 0) terminal.aside(harmless(`from the environment: ${used.map(useSentence).join(', ')}`))
    const missing = used.map(({ variable }) => variable).filter((variable) => !environment[variable])
    if (options['dry-run'] === true) {
      if (!shownAsJson(asked, goes)) shown(asked, goes, differences)
      if (missing.length > 0) terminal.aside(harmless(`needs, set in the environment: ${missing.join(', ')}`))
      return 0
    }
    if (missing.length > 0)
      throw new CommandFailure(
        'usage',
        `Secrets of what is new are not set in the environment: ${missing.join(', ')}.`,
      )
    const ids = new Map([...namesById(there)].map(([id, name]) => [name, id] as const))
    const done = (one: ThingDifference) => terminal.out(coloured(asked, one).join('\n'))
    const application = { edge, ids, environment, done }
    await apply(goes, application)
    await prune(goes, application)
    if (goes.length === 0) terminal.out('Nothing differs.')
    return 0
  },
}

function useSentence({ variable, field, reference }: SecretVariable): string {
  return `${variable} (${field} of ${reference})`
}

/** What a file says, in our own form. Throws where it cannot be read. */
function brought(asked: CommandRequest): Brought {
  const text = contents(oneWord(asked, 'FILE'))
  const format = textOf(asked, 'from')
  if (format === undefined) return { file: parseConfiguration(text), left: [] }
  const read = foreign[format]
  if (!read) throw new CommandFailure('usage', `--from is one of ${Object.keys(foreign).join(', ')}.`)
  return read(text)
}

function contents(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new CommandFailure(
      'usage',
      `${file} cannot be read: ${error instanceof Error ? error.message : error}`,
    )
  }
}

function shown(
  asked: CommandRequest,
  goes: readonly ThingDifference[],
  all: readonly ThingDifference[],
): void {
  for (const one of goes) for (const line of coloured(asked, one)) asked.terminal.out(line)
  if (goes.length === 0) asked.terminal.out('Nothing differs.')
  const beyond = all.filter((one) => one.kind === 'beyond' && !goes.includes(one))
  if (beyond.length > 0)
    asked.terminal.aside(`not in the file, and stays: ${beyond.map((one) => one.reference).join(', ')}`)
}

function coloured({ terminal }: CommandRequest, one: ThingDifference): string[] {
  const colour = { add: 'green', change: 'yellow', beyond: 'red' } as const
  const lines = differenceLines(one).map(harmless)
  return lines.map((line) =>
    painted(terminal, colour[one.kind], one.kind === 'beyond' ? line.replace('?', '-') : line),
  )
}
