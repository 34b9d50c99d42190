import { randomBytes, timingSafeEqual } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { bundleConsole, consoleHeaders } from './console.ts'
import { keptBuild } from './kept-build.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What only the edge of one's own machine is asked: the console's files, and its one-time sign-in. */
export interface Home {
  /** Opens the console once, without a key being typed: it goes into the fragment of its address, which no server sees. */
  readonly token: string
  readonly answer: (request: Request) => Promise<Response>
}

/** Makes the console ready, and a token which is exchanged for the access key once. */
export async function openHome(accessKey: string, webSockets: readonly string[] = []): Promise<Home> {
  const built = await keptBuild(root, 'console', bundleConsole)
  const files = new Map(built.map((file) => [file.path as string, file]))
  const token = randomBytes(32).toString('base64url')
  let spent = false
  return {
    token,
    answer: async (request) => {
      const { pathname } = new URL(request.url)
      const file = files.get(pathname)
      if (file) return served(file.text, file.type, webSockets)
      if (request.method === 'GET') return missing()
      const shown = await tokenIn(request)
      if (spent || !isSame(token, shown)) return refused()
      spent = true
      return answered(200, { access_key: accessKey })
    },
  }
}

function served(text: string, type: string, webSockets: readonly string[]): Response {
  return new Response(text, {
    headers: { ...consoleHeaders(webSockets), 'Content-Type': type, 'Cache-Control': 'no-cache' },
  })
}

/** The token which a body names; else an empty one. */
async function tokenIn(request: Request): Promise<string> {
  try {
    const { token } = Object(await request.json())
    return typeof token === 'string' ? token : ''
  } catch {
    return ''
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** A page of an earlier start asks for parts which are others by now. */
function missing(): Response {
  const message = 'There is no such file. Reload the page.'
  return answered(404, { error: { status: 'NOT_FOUND', reason: 'FILE_NOT_FOUND', message } })
}

function refused(): Response {
  const message = 'This sign-in was used before, or is of an earlier start. Sign in with an access key.'
  return answered(410, { error: { status: 'GONE', reason: 'SIGN_IN_SPENT', message } })
}

function answered(status: number, body: object): Response {
  return Response.json(body, { status, headers: { 'Cache-Control': 'no-store' } })
}
