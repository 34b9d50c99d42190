import { globSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A file of this project: its path from the root, and its text. */
export interface Source {
  readonly path: string
  readonly text: string
}

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Every file matching `pattern` that is ours: not installed, not generated. */
export function sources(pattern: string): Source[] {
  return globSync(pattern, { cwd: root, exclude: (path) => notOurs.test(path) })
    .filter((path) => !notOurs.test(path) && statSync(root + path).isFile())
    .sort()
    .map((path) => ({ path, text: readFileSync(root + path, 'utf8') }))
}

const notOurs =
  /(^|\/)(node_modules|\.types|\.wrangler|\.git|\.trunkline[^/]*|coverage)(\/|$)|^\.ci\/out(\/|$)/

/** The code without its comments; strings stay, since `${…}` inside them is code too. */
export function code(text: string): string {
  return text.replace(stringOrComment, (_, string: string | undefined) => string ?? ' ')
}

const stringOrComment =
  /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g

/** What a file takes from another one, and under which names. */
export interface Import {
  /** As it is written: `./parse.ts`, `#contract`, `node:fs`. */
  readonly from: string
  /** As they are called there; `*`: whatever there is, `default`: what has no name. */
  readonly names: readonly string[]
  /** Passed on, and not used here. */
  readonly passedOn: boolean
}

/** What a file imports, re-exports or loads, in the order it is written. */
export function imports(text: string): Import[] {
  return [...code(text).matchAll(importing)].map(([, verb, what = '', from = '', loaded = '']) => ({
    from: from || loaded,
    names: loaded ? ['*'] : namesIn(what),
    passedOn: verb === 'export',
  }))
}

const importing =
  /(?:^|\n)\s*(import|export)\s+(?:type\s+)?(?:([\w*{][^'"\n;]*?(?:\n[^'";]*?)?)from\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

function namesIn(what: string): string[] {
  const [, alone = '', listed = ''] = /^([^{]*)(?:\{([^}]*)\})?/.exec(what.trim()) ?? []
  const names = listed.split(',').map(
    (name) =>
      name
        .trim()
        .replace(/^type\s+/, '')
        .split(/\s+as\s+/)[0] ?? '',
  )
  const whole = alone.replace(/,\s*$/, '').trim()
  return [
    ...(whole === '' ? [] : [whole.startsWith('*') ? '*' : 'default']),
    ...names.filter((name) => name !== ''),
  ]
}
