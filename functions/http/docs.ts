import { Hono } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { sha256Hex } from '../secrets.ts'
import { docsPage } from './docs-page.ts'
import { docsStyle } from './docs-style.ts'
import { docsText } from './docs-text.ts'
import { openApi } from './openapi.ts'
import type { About, OpenApi } from './openapi-document.ts'
import type { Operation } from './operation.ts'
import { knownParameters } from './query.ts'

/** Serves the document of the API as OpenAPI, as a page for people, and in short for language models; none needs a key. */
export function documented(operations: readonly Operation[], about: About) {
  const document = once(async () => openApi(operations, about))
  const text = once(async () => textOf(await document()))
  const page = once(async () => pageOf(await document()))
  const short = once(async () => docsText(await document()))
  return new Hono<Edge>()
    .get('/v1.0/openapi.json', knownParameters(), async (c) => {
      const { json, etag } = await text()
      c.header('ETag', etag)
      c.header('Cache-Control', 'public, max-age=60')
      if (c.req.header('if-none-match') === etag) return c.body(null, 304)
      return c.body(json, 200, { 'Content-Type': 'application/json' })
    })
    .get('/docs', async (c) => {
      const { html, policy } = await page()
      c.header('Content-Security-Policy', policy)
      c.header('X-Content-Type-Options', 'nosniff')
      c.header('Referrer-Policy', 'no-referrer')
      c.header('Cache-Control', 'public, max-age=60')
      return c.html(html)
    })
    .get('/llms.txt', async (c) => {
      c.header('Cache-Control', 'public, max-age=60')
      return c.text(await short())
    })
}

async function textOf(document: OpenApi) {
  const json = JSON.stringify(document)
  return { json, etag: `"${(await sha256Hex(json)).slice(0, 32)}"` }
}

async function pageOf(document: OpenApi) {
  const style = `'sha256-${await digestOf(docsStyle)}'`
  return {
    html: String(await docsPage(document, docsStyle)),
    policy: `default-src 'none'; style-src ${style}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  }
}

/** As Content-Security-Policy names what it lets through. */
async function digestOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
}

/** Made at the first question, and kept for as long as the Worker lives. */
function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** Asking for the document. */
export const docsOperations: readonly Operation[] = [
  {
    id: 'getOpenApi',
    method: 'get',
    path: '/v1.0/openapi.json',
    summary: 'Read this document',
    tag: 'about',
    scope: null,
    answer: z.looseObject({ openapi: z.string() }),
    precondition: 'If-None-Match',
    headers: ['ETag'],
    errors: ['INVALID_REQUEST_PARAMETER'],
  },
]
