import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../functions/config/operations.ts'
import { about } from '../../functions/http/about.ts'
import { openApi } from '../../functions/http/openapi.ts'
import { type App, startApp } from '../support/app.ts'

const document = openApi(operations, about)
let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

describe('GET /v1.0/openapi.json', () => {
  test('is the document, for who has no key too', async () => {
    const response = await app.fetch('/v1.0/openapi.json')
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)))
  })

  test('answers 304 to who has it', async () => {
    const etag = (await app.fetch('/v1.0/openapi.json')).headers.get('etag') ?? ''
    expect((await app.fetch('/v1.0/openapi.json', { headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await app.fetch('/v1.0/openapi.json', { headers: { 'if-none-match': '"old"' } })).status).toBe(
      200,
    )
  })
})

test('GET /console leads to where the console is', async () => {
  const response = await app.fetch('/console', { redirect: 'manual' })
  expect([response.status, response.headers.get('location')]).toEqual([302, '/'])
})

describe('GET /llms.txt', () => {
  test('names every operation once, under its noun, with where the page tells of it', async () => {
    const response = await app.fetch('/llms.txt')
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/plain; charset=UTF-8',
    ])
    const text = await response.text()
    expect(text).toMatch(/^# Trunkline\n\nPhone service over SIP: /)
    const named = [...text.matchAll(/^- \[[A-Z]+ \/\S*\]\(\/docs#(\w+)\): \S/gm)].map(([, id]) => id)
    expect(named.toSorted()).toEqual(operations.map(({ id }) => id).toSorted())
    const [, flows = ''] = text.split('\n## flows\n')
    expect(flows.split('\n## ')[0]).toContain('- [POST /v1.0/flows](/docs#')
  })
})

describe('GET /docs', () => {
  test('is a page which loads nothing and runs nothing, and has every operation', async () => {
    const response = await app.fetch('/docs')
    const policy = response.headers.get('content-security-policy')
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+='; img-src data:;/)
    const page = await response.text()
    expect(
      page.match(/(?:src|href)="(?!#|\/v1\.0\/openapi\.json"|data:,")[^"]*"|@import|url\(|<script/g),
    ).toBeNull()
    for (const { id } of operations) expect(page).toContain(`<article id="${id}">`)
    for (const [, id] of page.matchAll(/href="#([\w-]+)"/g)) expect(page).toContain(` id="${id}"`)
  })

  test('shows as text what could be taken for markup', async () => {
    const page = await (await app.fetch('/docs')).text()
    expect(page).toContain('Authorization: Bearer $KEY')
    expect(page).not.toMatch(/<(?:access key|id|name)>/)
  })
})
