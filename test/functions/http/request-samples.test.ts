import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { stop, transformSync } from 'esbuild'
import { afterAll, describe, expect, test } from 'vitest'
import { operations } from '../../../functions/config/operations.ts'
import { about } from '../../../functions/http/about.ts'
import { openApi } from '../../../functions/http/openapi.ts'
import type { CodeSample } from '../../../functions/http/openapi-document.ts'
import { samplesOf } from '../../../functions/http/request-samples.ts'

/*
 * The requests to copy are carried out as they stand: by a shell whose curl says what it was given, and as TypeScript
 * with a fetch which does.
 */

const { paths } = openApi(operations, about)
const placed = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
)
const [API, KEY] = ['https://api.example.com', 'tk_it\'s "the" key']

/** What a sample sends. */
interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

afterAll(() => stop())

describe('the requests to copy', () => {
  test('are of the same $API as those of the READMEs, and /docs says what that is', () => {
    const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
    const asked = ['README.md', 'functions/README.md'].flatMap((path) => [
      ...read(path).matchAll(/"\$API[^"]*/g),
    ])
    expect(asked.length).toBeGreaterThan(5)
    expect(asked.map(([place]) => place).filter((place) => !place.startsWith('"$API/v1.0/'))).toEqual([])
    expect(read('README.md')).toMatch(/^API=\$\(jq -r \.api_url [^)]*\)$/m)
    expect(about.description).toContain('`API`')
  })

  test('are there for each operation, and ask for its place with what its example says', async () => {
    expect(placed.length).toBeGreaterThan(100)
    const samples = placed.map(({ operation }) => operation['x-codeSamples'] ?? [])
    const shell = inShell(samples.map((one) => sourceOf(one, 'curl')))
    const typed = await Promise.all(samples.map((one) => inTypeScript(sourceOf(one, 'TypeScript'))))
    for (const [at, { method, path, operation }] of placed.entries()) {
      const sent = typed[at] as Sent
      expect([operation.operationId, shell[at]]).toEqual([operation.operationId, sent])
      expect(sent.method).toBe(method.toUpperCase())
      expect(new URL(sent.url).origin).toBe(API)
      expect(new URL(sent.url).pathname).toMatch(new RegExp(`^${path.replace(/\{\w+\}/g, '[^/{]+')}$`))
      expect(sent.headers.authorization).toBe(operation.security?.length === 0 ? undefined : `Bearer ${KEY}`)
      expect(sent.body).toEqual(operation.requestBody?.content['application/json'].example)
    }
  })

  test('send what a shell would take for its own', async () => {
    const example = { name: 'it\'s `$(date)` "$KEY" ${KEY} \\ \n' }
    const [curl, typed] = samplesOf('post', '/v1.0/x', {
      operationId: 'x',
      tags: [],
      summary: '',
      requestBody: { required: true, content: { 'application/json': { schema: {}, example } } },
      responses: { 200: { description: '' } },
    })
    expect(inShell([curl?.source ?? ''])[0]?.body).toEqual(example)
    expect((await inTypeScript(typed?.source ?? '')).body).toEqual(example)
  })
})

function sourceOf(samples: readonly CodeSample[], label: CodeSample['label']): string {
  return samples.find((one) => one.label === label)?.source ?? ''
}

/** What curl was given by each of these commands, carried out by one shell. */
function inShell(commands: readonly string[]): Sent[] {
  const script = `curl() { printf '%s\\0' "$@"; printf '\\0'; }\n${commands.join('\n')}\n`
  const told = execFileSync('sh', ['-c', script], { env: { API, KEY, PATH: '/usr/bin:/bin' } }).toString()
  return told
    .split('\0\0')
    .slice(0, -1)
    .map((words) => curlled(words.split('\0')))
}

function curlled(words: readonly string[]): Sent {
  const after = (flag: string) => words.flatMap((word, at) => (words[at - 1] === flag ? [word] : []))
  const headers = after('-H').map((header) => {
    const [, name = '', value = ''] = /^([\w-]+): (.*)$/.exec(header) ?? []
    return [name.toLowerCase(), value]
  })
  const [body] = after('-d')
  return {
    method: after('-X')[0] ?? (body === undefined ? 'GET' : 'POST'),
    url: words.find((word) => word.startsWith(API)) ?? '',
    headers: Object.fromEntries(headers),
    body: body === undefined ? undefined : JSON.parse(body),
  }
}

async function inTypeScript(source: string): Promise<Sent> {
  let sent: Sent | undefined
  const fetched = async (url: string, { method = 'GET', headers, body }: RequestInit = {}) => {
    sent = {
      method,
      url,
      headers: Object.fromEntries(new Headers(headers)),
      body: body == null ? undefined : JSON.parse(String(body)),
    }
    return new Response('{}')
  }
  const { code } = transformSync(`export default async () => {${source}}`, { loader: 'ts', format: 'cjs' })
  const module: { exports: { default?: () => Promise<void> } } = { exports: {} }
  const process = { env: { API, KEY }, stdout: { write: () => true } }
  new Function('module', 'fetch', 'process', code)(module, fetched, process)
  await module.exports.default?.()
  if (!sent) throw new Error(`It asked for nothing: ${source}`)
  return sent
}
