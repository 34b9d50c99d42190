import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { doorways } from './graph.ts'
import { imports, root, sources } from './source.ts'

const copied = linesOf('relay/Dockerfile', /^COPY (\S+) \S+$/)
const sent = linesOf('.dockerignore', /^!(\S+)$/)

test('the relay’s image holds every room which the relay enters, and the engine is sent them', () => {
  const entered = enteredFrom('relay/')
  expect(entered).toContain('functions/contract')
  expect(copied).toEqual(expect.arrayContaining([...entered, 'relay']))
  expect(sent).toEqual(expect.arrayContaining(copied))
})

/** Rooms entered by their doors, from here or from a room so entered. */
function enteredFrom(place: string): string[] {
  const found = new Set<string>()
  for (const room of doorsIn(place)) found.add(room)
  // A set is gone through with what is added on the way.
  for (const from of found) for (const room of doorsIn(from)) found.add(room)
  return [...found]
}

function doorsIn(place: string): string[] {
  return sources(`${place.replace(/\/$/, '')}/**/*.ts`)
    .flatMap(({ text }) => imports(text))
    .flatMap(({ from }) => doorways[from]?.replace(/\/\w+\.ts$/, '') ?? [])
}

function linesOf(file: string, form: RegExp): string[] {
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  return lines.flatMap((line) => form.exec(line)?.[1] ?? [])
}
