import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandsInPassing, commandsOf } from '../support/printed.ts'
import { root, sources } from './source.ts'

const plates = sources('{README.md,{functions,db,relay,test}/**/README.md}')
const front = plates.find(({ path }) => path === 'README.md')?.text ?? ''
const known: object = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts
const everywhere = new Set(sources('{functions,db,relay,test,.ci}/**/*').map(({ path }) => basename(path)))

describe('README.md', () => {
  test('is read in one sitting: 150 lines of 110 columns, a table’s aside', () => {
    const lines = front.trimEnd().split('\n')
    expect(lines.length).toBeLessThanOrEqual(150)
    expect(lines.filter((line) => line.length > 110 && !line.startsWith('|'))).toEqual([])
  })

  test('prints one picture and one program, and whatever else stands in a fence can be typed', () => {
    const fences = front.match(/^```.*\n.*/gm)?.filter((_, at) => at % 2 === 0) ?? []
    const languages = fences.map((fence) => fence.split('\n', 1)[0]).filter((fence) => fence !== '```sh')
    expect(languages).toEqual(['```', '```js'])
  })

  test('leads to every door plate', () => {
    const others = plates.map(({ path }) => path).filter((path) => path !== 'README.md')
    expect(others.filter((path) => !front.includes(`](${path})`))).toEqual([])
  })
})

describe('a door plate', () => {
  test.each(plates)('$path names no file and leads to no page which is not there', ({ path, text }) => {
    const [names, links] = [namesIn(text), linksIn(text)]
    expect(names.length + links.length).toBeGreaterThan(0)
    expect(names.filter((name) => !isThere(name, dirname(path)))).toEqual([])
    expect(links.filter((link) => !existsSync(join(root, dirname(path), link)))).toEqual([])
  })

  test.each(plates)('$path prints commands without a gap to fill, of scripts which there are', ({ text }) => {
    const commands = [...commandsOf(text), ...commandsInPassing(text)]
    expect(commands.filter((command) => /…|\.\.\.|<[a-z]/.test(command))).toEqual([])
    const scripts = commands.flatMap((command) => [...command.matchAll(/npm run (?:--silent )?([\w:-]+)/g)])
    expect(scripts.map(([, script = '']) => script).filter((script) => !(script in known))).toEqual([])
  })
})

/** Files and rooms in backticks: `relay/io/udp.ts`, `facts.ts`, `relay/limits/`. */
function namesIn(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '')
  return [...prose.matchAll(named)].map(([, name = '']) => name)
}

const named = /`([\w./-]+\.(?:ts|mjs|sh|md|toml)|(?:functions|db|relay|test)\/[\w./-]*)`/g

function linksIn(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^https?:/.test(link))
}

/** From the root, from the plate's own folder; by its bare name in a folder named before. */
function isThere(name: string, folder: string): boolean {
  if (existsSync(join(root, name)) || existsSync(join(root, folder, name))) return true
  return !name.includes('/') && everywhere.has(name)
}
