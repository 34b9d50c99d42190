import { parseArgs } from 'node:util'
import type { CommandRequest, TerminalCommand } from './asked.ts'
import { callsTail, callWhy } from './calls.ts'
import { EdgeClient, findAccess } from './edge-client.ts'
import { events } from './events.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { phones, providerTest, route } from './looking.ts'
import { exporting, importing } from './moving.ts'
import { columns, harmless } from './terminal.ts'

/** All there is, by what is typed. */
const commands: Readonly<Record<string, TerminalCommand>> = {
  'calls tail': callsTail,
  'call why': callWhy,
  route,
  phones,
  'provider test': providerTest,
  events,
  export: exporting,
  import: importing,
}

/** Where a command finds itself. */
interface Surroundings extends Pick<CommandRequest, 'environment' | 'terminal' | 'signal'> {
  /** The folder in which it was typed. */
  readonly folder: string
}

/** Runs what was typed, and gives what the process ends with. Throws what is a fault of ours. */
export async function run(typed: readonly string[], around: Surroundings): Promise<number> {
  const { terminal } = around
  try {
    const name = commandIn(typed)
    const command = name === undefined ? undefined : commands[name]
    const help = typed.includes('--help') || typed.includes('-h')
    if (name === undefined || command === undefined) {
      if (!help && typed.length > 0) throw new CommandFailure('usage', unknownCommand(typed))
      for (const line of overview()) terminal.out(line)
      return typed.length === 0 ? exitCodes.usage : 0
    }
    if (help) {
      for (const line of helpOf(name, command)) terminal.out(line)
      return 0
    }
    return await command.run(asked(name, command, typed, around))
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error
    terminal.aside(harmless(error.message))
    return error.code
  }
}

/** The command which the first words are; undefined: none. */
function commandIn(typed: readonly string[]): string | undefined {
  return [typed.slice(0, 2).join(' '), typed[0] ?? ''].find((words) => Object.hasOwn(commands, words))
}

/** Who typed one word of two is told the other. */
function unknownCommand(typed: readonly string[]): string {
  const near = Object.keys(commands).filter((name) => name.split(' ').includes(typed[0] ?? ''))
  const meant = near.length > 0 ? ` (is it ${near.join(' or ')}?)` : ''
  return `There is no command ${typed.join(' ')}${meant}; see --help.`
}

function asked(
  name: string,
  command: TerminalCommand,
  typed: readonly string[],
  around: Surroundings,
): CommandRequest {
  const { values, positionals } = parsed(command, typed.slice(name.split(' ').length))
  const { environment, terminal, signal, folder } = around
  const edge = new EdgeClient(findAccess(environment, folder))
  return { edge, terminal, environment, signal, words: positionals, options: values }
}

function parsed({ options }: TerminalCommand, args: readonly string[]) {
  const named = Object.entries(options).map(([name, { type }]) => [name, { type }] as const)
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...Object.fromEntries(named), json: { type: 'boolean' } },
      allowPositionals: true,
    })
    return { values: values as CommandRequest['options'], positionals }
  } catch (error) {
    throw new CommandFailure('usage', error instanceof Error ? error.message : String(error))
  }
}

function overview(): string[] {
  const rows = Object.entries(commands).map(([name, { takes, about }]) => [
    `  ${name} ${takes}`.trimEnd(),
    about,
  ])
  return [
    'trunkline: the API from a terminal.',
    '',
    ...columns(rows),
    '',
    'Each takes --json and --help. TRUNKLINE_URL and TRUNKLINE_KEY say where the edge is; without them it is the one which',
    'npm start runs in this folder. Ends with 0 where it came about, 1 where it was refused, 2 where it was typed wrong,',
    '3 where no edge answers.',
  ]
}

function helpOf(name: string, { takes, about, options }: TerminalCommand): string[] {
  const rows = Object.entries({ ...options, json: { type: 'boolean', about: 'for programs' } }).map(
    ([option, { type, about: what }]) => [`  --${option}${type === 'string' ? ' …' : ''}`, what],
  )
  return [`trunkline ${name} ${takes}`.trimEnd(), `  ${about}`, '', ...columns(rows)]
}
