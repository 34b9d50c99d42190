import { Hono } from 'hono'
import * as z from 'zod'
import { instant } from '#contract'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import type { Operation } from '../http/operation.ts'
import { readOrder } from '../http/validate.ts'
import { bytes } from '../secrets.ts'

const turnInput = z.strictObject({
  expire: z
    .int()
    .min(60)
    .max(86_400)
    .default(3600)
    .describe('Seconds for which the TURN server lets allocations be made by it.'),
})

/** A name and a password for the TURN server of this installation (RFC 8656): its name says until when, its password is a MAC of that. */
export const turnCredentials = new Hono<Edge>().post('/', async (c) => {
  const { expire } = await readOrder(c, turnInput)
  const { TURN_URLS: urls, TURN_SECRET: secret } = c.get('settings')
  if (urls === undefined || secret === undefined)
    throw new ApiError(
      'TURN_NOT_SET',
      'This installation knows of no TURN server: whoever runs it sets TURN_URLS and TURN_SECRET.',
    )
  const until = Math.floor(utcNow() / 1000) + expire
  // A server limits, and its log shows, what is made by one name: that is the customer.
  const username = `${until}:${c.get('principal').customerId}`
  const credential = await macOf(secret, username)
  return c.json({ urls, username, credential, expire, tm_expire: new Date(until * 1000).toISOString() })
})

/** As a TURN server with a shared secret makes it, too (`use-auth-secret` of coturn). */
async function macOf(secret: string, username: string): Promise<string> {
  const hmac = { name: 'HMAC', hash: 'SHA-1' }
  const key = await crypto.subtle.importKey('raw', bytes(secret), hmac, false, ['sign'])
  const mac = await crypto.subtle.sign('HMAC', key, bytes(username))
  return btoa(String.fromCharCode(...new Uint8Array(mac)))
}

/** How it is described. */
export const turnOperations: readonly Operation[] = [
  {
    id: 'createTurnCredentials',
    method: 'post',
    path: '/v1.0/turn-credentials',
    summary: 'Make credentials for the TURN server',
    description:
      'For browsers and apps behind networks which let no packets through: `urls`, `username` and `credential` are what `RTCPeerConnection` takes in `iceServers`. The server is not ours; nothing is kept of what it is used for.',
    tag: 'registrations',
    scope: 'call',
    body: turnInput,
    mayBeBare: true,
    answer: z
      .object({
        urls: z.array(z.string()).describe('Where it is (RFC 7065).'),
        username: z.string(),
        credential: z.string(),
        expire: z.int().describe('Seconds from now.'),
        tm_expire: instant.describe(
          'Until when allocations are made by it; those which there are may be refreshed no longer.',
        ),
      })
      .meta({ id: 'TurnCredentials', description: 'A name and a password for the TURN server.' }),
    errors: ['TURN_NOT_SET'],
    example: {
      body: { expire: 600 },
      answer: {
        urls: ['turn:turn.trunkline.example:3478?transport=udp', 'turns:turn.trunkline.example:5349'],
        username: '1795600800:3f1c6f0e-6d0b-4a52-9d55-0c1f6c1a1001',
        credential: 'Yzg0NWJjZjI4ZTkxYTAzZDQ1Yjc=',
        expire: 600,
        tm_expire: '2026-11-25T10:00:00.000Z',
      },
    },
  },
]
