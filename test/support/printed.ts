import { readFileSync } from 'node:fs'

/** The commands a page prints in its `sh` fences, handed out in order to who types them. */
export class Printed {
  #left: { under: string; command: string }[]

  constructor(page: string) {
    this.#left = sections(readFileSync(page, 'utf8')).flatMap(({ under, text }) =>
      commandsOf(text).map((command) => ({ under, command })),
    )
  }

  /** The commands which were not taken. */
  get left(): string[] {
    return this.#left.map(({ command }) => command)
  }

  /** Takes the next commands, which have to stand under these bold words, or this heading. */
  next<N extends number>(under: string, count: N): Several<N> {
    const taken = this.#left.splice(0, count)
    const elsewhere = taken.find((each) => each.under !== under)
    if (elsewhere !== undefined || taken.length < count)
      throw new Error(`under “${under}” there are not ${count} commands more: ${JSON.stringify(taken)}`)
    return taken.map(({ command }) => command) as Several<N>
  }
}

type Several<N extends number, All extends string[] = []> = All['length'] extends N
  ? All
  : Several<N, [...All, string]>

/** The commands of a page's `sh` fences: an indented line goes on with the one before. */
export function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block.trimEnd())
  return blocks.flatMap((block) => block.split(/\n(?=\S)/))
}

/** The commands which a page names inside its sentences. */
export function commandsInPassing(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '')
  return [...prose.matchAll(/`((?:[A-Z_]+=\S+ )*(?:npm|npx|docker|\.ci\/run)\b[^`]*)`/g)].map(
    ([, command = '']) => command,
  )
}

function sections(text: string): { under: string; text: string }[] {
  return text.split(/^(?=\*\*|## )/m).map((text) => ({
    under: /^(?:\*\*|## )([^*.\n]*)/.exec(text)?.[1] ?? '',
    text,
  }))
}
