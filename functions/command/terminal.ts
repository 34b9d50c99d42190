import { styleText } from 'node:util'

/** Where a command says what it found, and how. */
export interface CommandTerminal {
  /** A line of the answer. */
  out(line: string): void
  /** A line beside it. */
  aside(line: string): void
  /** Whether a person reads it, in colours. */
  readonly colours: boolean
}

type PaintColour = 'green' | 'red' | 'yellow' | 'dim' | 'bold'

/** A text in a colour, where there are any. */
export function painted(
  { colours }: Pick<CommandTerminal, 'colours'>,
  colour: PaintColour,
  text: string,
): string {
  return colours ? styleText(colour, text, { validateStream: false }) : text
}

/** What others wrote, as one line which moves no cursor and rings no bell. */
export function harmless(text: unknown): string {
  return String(text ?? '').replace(/\p{Cc}+/gu, ' ')
}

/** Rows whose columns stand under each other. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [at, text] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, text.length)
  return rows.map((row) =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
