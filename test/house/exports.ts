import { target } from './graph.ts'
import { code, imports, type Source } from './source.ts'

/** A name a file gives to others. */
export interface Export {
  readonly path: string
  readonly name: string
  /** A comment stands above it, or above the paragraph it is in: a schema and its type, a list of one-liners. */
  readonly documented: boolean
  /** A type which others of its file are made of: the compiler names it in theirs. */
  readonly needed: boolean
}

/** What a file declares and exports; an overloaded function once. */
export function exportsOf({ path, text }: Source): Export[] {
  const found = new Map<string, Export>()
  for (const { index, groups } of text.matchAll(exported)) {
    const name = groups?.name ?? ''
    const paragraph = text.slice(text.lastIndexOf('\n\n', index) + 1, index)
    const documented = /^\/\*\*/m.test(paragraph)
    const needed =
      groups?.type !== undefined && (text.match(new RegExp(`\\b${name}\\b`, 'g')) ?? []).length > 1
    if (!found.has(name)) found.set(name, { path, name, documented, needed })
  }
  return [...found.values()]
}

const exported =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:(?<type>interface|type)|class|enum|const|let|function\*?) (?<name>\w+)/gm

/** Exports of `files` which neither another of them names nor one of `readers`, and which no type needs, as sentences. */
export function unread(files: readonly Source[], readers: readonly Source[]): string[] {
  const names = new Map<string, Set<string>>()
  const passes = new Map<string, string[]>()
  for (const file of [...files, ...readers])
    for (const { from, names: taken, passedOn } of imports(file.text)) {
      const to = target(file.path, from)
      if (to === undefined) continue
      if (passedOn && taken.includes('*')) passes.set(file.path, [...(passes.get(file.path) ?? []), to])
      else names.set(to, new Set([...(names.get(to) ?? []), ...taken]))
    }
  const taken = (path: string, name: string): boolean =>
    ['*', name].some((one) => names.get(path)?.has(one)) ||
    [...passes].some(([door, rooms]) => rooms.includes(path) && taken(door, name))
  return files
    .flatMap(exportsOf)
    .filter(({ path, name, needed }) => !needed && !taken(path, name))
    .map(({ path, name }) => `${path}: ${name}`)
}

/** An exported function, and what it says of itself. */
export interface ExportedFunction {
  readonly path: string
  readonly name: string
  /** The comment above it; empty: there is none. */
  readonly said: string
  /** Its answer may be undefined or null. A condition of drizzle’s may be, by its type alone. */
  readonly mayBeAbsent: boolean
  /** It has a `throw` of its own. */
  readonly throws: boolean
}

/** Functions which a file exports under their own names. */
export function functionsOf({ path, text }: Source): ExportedFunction[] {
  return [...text.matchAll(exportedFunction)].map(({ 0: whole, 1: name = '', index }) => {
    const answer = /\): ([^\n]*) \{$/m.exec(whole)?.[1] ?? ''
    return {
      path,
      name,
      said: commentAbove(text, index),
      mayBeAbsent: /\| (?:undefined|null)>?$/.test(answer) && !/^SQL\b/.test(answer),
      throws: /\bthrow\b/.test(code(whole)),
    }
  })
}

const exportedFunction = /^export (?:async )?function\*? (\w+)[\s\S]*?\n\}\n/gm

function commentAbove(text: string, index: number): string {
  const above = text.slice(0, index).trimEnd()
  return above.endsWith('*/') ? above.slice(above.lastIndexOf('/**')) : ''
}
