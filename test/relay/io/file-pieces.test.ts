import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FilePieces, linesOf } from '../../../relay/io/file-pieces.ts'

/** As long as a piece, and several times as long. */
const [piece, much] = [256 * 1024, 700_000]

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-pieces-'))
  path = join(folder, 'lines')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('lines of a file', () => {
  test.each([
    ['none', []],
    ['short ones', ['a', '', 'Grüße']],
    ['one which ends where a piece does', ['x'.repeat(piece - 1), 'y']],
    ['one which is as long as a piece', ['x'.repeat(piece), 'y']],
    ['one which is longer than pieces are, between others', ['a', 'z'.repeat(much), 'b'.repeat(300), 'c']],
    ['many', Array.from({ length: 5_000 }, (_, at) => `${at} `.repeat((at * 37) % 100))],
  ])('are read as they stand there: %s', (_, lines) => {
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
    expect([...linesOf(path)].map(({ octets }) => octets.length)).toEqual(lines.map(lengthOf))
    expect(read()).toEqual(lines)
  })

  test('may end without a line break', () => {
    writeFileSync(path, 'one\ntorn')
    expect(read()).toEqual(['one', 'torn'])
  })

  test('are found again at the place which each has', () => {
    const lines = Array.from({ length: 200 }, (_, at) => `line ${at} ${'é'.repeat(at * 37)}`)
    writeFileSync(path, lines.join('\n'))
    const places = [...linesOf(path)].map(({ at, octets }) => ({ at, length: octets.length }))
    const pieces = new FilePieces()
    const read = ({ at, length }: { at: number; length: number }) => pieces.read(path, at, length).toString()
    expect(places.map(read)).toEqual(lines)
    expect(places.toReversed().map(read)).toEqual(lines.toReversed())
  })

  test('which the file does not hold any more are said not to be there', () => {
    writeFileSync(path, 'short')
    expect(() => new FilePieces().read(path, 2, 20)).toThrow('shorter')
  })
})

function read(): string[] {
  return [...lines()]
}

function* lines(): Generator<string> {
  for (const { octets } of linesOf(path)) yield octets.toString()
}

function lengthOf(line: string): number {
  return Buffer.byteLength(line)
}
