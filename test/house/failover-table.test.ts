import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { failoverPolicy } from '#contract'
import { cells, expected } from '../live/matrix-cells.ts'

const plate = join(import.meta.dirname, '..', '..', 'relay', 'call', 'README.md')
const rows = tableOf(readFileSync(plate, 'utf8'), 'Failover')

test('the failover table of relay/call/README.md names everything a policy has, with its default', () => {
  const usual = failoverPolicy.parse({})
  const told = Object.keys(usual).map((name) => [name, saidOf(name)])
  expect(Object.fromEntries(told)).toEqual(usual)
})

test('the failover table of relay/call/README.md sends a call on where the matrix does', () => {
  const next = codesIn(rowOf('next_on'))
  const sentOn = cells('udp', 'ok')
    .filter(({ before, names }) => before === 'nothing' && names.length === next.length)
    .filter((cell) => expected(cell).invites[1] === 1)
  expect(sentOn.map(({ code }) => code)).toEqual(next)
  const rowsWhichSendOn = rows.filter(([, follows]) => follows === 'the next carrier')
  expect(rowsWhichSendOn.flatMap(([does]) => codesIn(does))).toEqual(next)
})

/** A default as the table says it: milliseconds, or the statuses. */
function saidOf(name: string): number | number[] {
  if (name === 'next_on') return codesIn(rowOf(name))
  return Number(/(\d+) s \(/.exec(rowOf(name))?.[1]) * 1000
}

function rowOf(name: string): string {
  return rows.find(([does]) => does.includes(`(\`${name}\`)`))?.[0] ?? ''
}

function codesIn(text: string): number[] {
  return [...text.matchAll(/\b[3-6]\d\d\b/g)].map(([code]) => Number(code))
}

/** The rows of the first table under a heading. */
function tableOf(text: string, heading: string): [does: string, follows: string][] {
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('| '))
  return lines.slice(1).map((line) => {
    const [does = '', follows = ''] = line.slice(2).split(' | ')
    return [does, follows.replace(/ \|$/, '')]
  })
}
