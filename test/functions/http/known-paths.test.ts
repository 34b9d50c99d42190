import { describe, expect, test } from 'vitest'
import { KnownPaths } from '../../../functions/http/known-paths.ts'

describe('paths which are remembered', () => {
  test('lead where they led, each with what it names', () => {
    const paths = laid()
    const asked = ['GET /phones/1', 'GET /phones/2', 'PUT /phones/1', 'GET /phones/find', 'GET /nothing']
    const first = asked.map((each) => leads(paths, each))
    expect(first).toEqual(['read 1', 'read 2', 'write 1', 'find | read find', ''])
    expect(asked.map((each) => leads(paths, each))).toEqual(first)
  })

  test('lead elsewhere once more is laid', () => {
    const paths = laid()
    expect(leads(paths, 'GET /nothing')).toBe('')
    paths.add('GET', '/nothing', 'something')
    expect(leads(paths, 'GET /nothing')).toBe('something')
  })

  test('are so many that the oldest are forgotten, and lead where they led all the same', () => {
    const paths = laid()
    const first = paths.match('GET', '/phones/0')
    expect(paths.match('GET', '/phones/0')).toBe(first)
    for (let at = 1; at <= 512; at++) expect(leads(paths, `GET /phones/${at}`)).toBe(`read ${at}`)
    expect(paths.match('GET', '/phones/0')).not.toBe(first)
    expect(leads(paths, 'GET /phones/0')).toBe('read 0')
  })

  test('are short', () => {
    const [paths, long] = [laid(), `/phones/${'1'.repeat(128)}`]
    expect(paths.match('GET', long)).not.toBe(paths.match('GET', long))
  })
})

function laid(): KnownPaths<string> {
  const paths = new KnownPaths<string>()
  paths.add('GET', '/phones/find', 'find')
  paths.add('GET', '/phones/:id', 'read')
  paths.add('PUT', '/phones/:id', 'write')
  return paths
}

function leads(paths: KnownPaths<string>, asked: string): string {
  const [method = '', path = ''] = asked.split(' ')
  const [found] = paths.match(method, path) as [[string, Record<string, string>][]]
  return found.map(([what, { id }]) => (id === undefined ? what : `${what} ${id}`)).join(' | ')
}
