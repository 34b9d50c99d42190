import type { EdgeClient } from './edge-client.ts'
import { CommandFailure } from './failure.ts'
import type { CommandTerminal } from './terminal.ts'

/** What a command is given. */
export interface CommandRequest {
  readonly edge: EdgeClient
  readonly terminal: CommandTerminal
  /** What stands behind the command's name. */
  readonly words: readonly string[]
  /** Options: text, or `true` where one says nothing more. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Called off by Ctrl-C: what follows until then, ends. */
  readonly signal: AbortSignal
}

/** Something which can be asked for. */
export interface TerminalCommand {
  /** Behind its name: `ID`, `[FILE]`. */
  readonly takes: string
  readonly about: string
  readonly options: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly about: string }>>
  /** Gives what it ends with. Throws `CommandFailure`. */
  readonly run: (asked: CommandRequest) => Promise<number>
}

/** The one word which a command needs. Throws where there is none, or more. */
export function oneWord({ words }: CommandRequest, what: string): string {
  const [word, ...more] = words
  if (word === undefined) throw new CommandFailure('usage', `${what} is needed.`)
  if (more.length > 0)
    throw new CommandFailure('usage', `One ${what} at a time: ${more.join(' ')} is too much.`)
  return word
}

/** Refuses words behind a command which takes none. Throws. */
export function noWords({ words }: CommandRequest): void {
  if (words.length > 0) throw new CommandFailure('usage', `This takes nothing more: ${words.join(' ')}`)
}

/** Shows an answer as JSON where that is wanted; false: it is not. */
export function shownAsJson({ options, terminal }: CommandRequest, answer: unknown): boolean {
  if (options.json !== true) return false
  terminal.out(JSON.stringify(answer, undefined, 2))
  return true
}

/** An option which says something; undefined: it was not given. */
export function textOf({ options }: CommandRequest, name: string): string | undefined {
  const said = options[name]
  return typeof said === 'string' ? said : undefined
}
