import { posix } from 'node:path'
import { imports, type Source } from './source.ts'

/** Which file imports which: paths from the root, and only of files which were given. */
export type Graph = ReadonlyMap<string, readonly string[]>

/** Where the names that lead into a room end. */
export const doorways: Readonly<Record<string, string>> = {
  '#contract': 'functions/contract/index.ts',
  '#db': 'db/index.ts',
  '#flows': 'functions/flows/index.ts',
  '#ip': 'functions/routing/ip.ts',
  '#routing': 'functions/routing/index.ts',
  '#sound': 'functions/sound/index.ts',
  '#units': 'functions/contract/units.ts',
}

/** The file an import of `path` leads to; undefined: a package. */
export function target(path: string, from: string): string | undefined {
  return from.startsWith('.') ? posix.join(posix.dirname(path), from) : doorways[from]
}

/** The imports of these files, one another's only. */
export function graphOf(files: readonly Source[]): Graph {
  const known = new Set(files.map(({ path }) => path))
  return new Map(
    files.map(({ path, text }) => {
      const targets = imports(text).flatMap(({ from }) => target(path, from) ?? [])
      return [path, [...new Set(targets)].filter((to) => known.has(to))]
    }),
  )
}

/** The same between what files are gathered in: rooms, say. */
export function gathered(graph: Graph, by: (path: string) => string): Graph {
  const rooms = new Map<string, Set<string>>()
  for (const [path, targets] of graph) {
    const below = rooms.get(by(path)) ?? new Set()
    rooms.set(by(path), below)
    for (const to of targets) if (by(to) !== by(path)) below.add(by(to))
  }
  return new Map([...rooms].map(([room, below]) => [room, [...below]]))
}

/** Every circle of imports, as a sentence; none: each file is read before those which lean on it. */
export function circles(graph: Graph): string[] {
  const [done, found] = [new Set<string>(), new Set<string>()]
  const visit = (path: string, way: readonly string[]): void => {
    const again = way.indexOf(path)
    if (again >= 0) return void found.add([...way.slice(again), path].join(' → '))
    if (done.has(path)) return
    for (const to of graph.get(path) ?? []) visit(to, [...way, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return [...found]
}

/** How many floors lie below each; of a graph without circles. */
export function floors(graph: Graph): Map<string, number> {
  const heights = new Map<string, number>()
  const heightOf = (room: string): number => {
    const known = heights.get(room)
    if (known !== undefined) return known
    const height = Math.max(-1, ...(graph.get(room) ?? []).map(heightOf)) + 1
    heights.set(room, height)
    return height
  }
  for (const room of graph.keys()) heightOf(room)
  return heights
}
