import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { newWebhookSecret, signatures } from '../../../functions/events/signature.ts'

const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' }

describe('a message’s signature', () => {
  test('is the one of the specification’s example', async () => {
    expect(await signatures(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    )
  })

  test('is verified by twenty lines of openssl, by either of two secrets, and a forged or an old one is not', async () => {
    const [old, young, stranger] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()]
    const now = { ...message, timestamp: Math.floor(Date.now() / 1000) }
    const before = { ...message, timestamp: now.timestamp - 600 }
    const signed = await signatures(now, [young, old])
    const verdicts = [
      opensslSays(young, now, signed),
      opensslSays(old, now, signed),
      opensslSays(stranger, now, signed),
      opensslSays(young, { ...now, body: '{"test": 2432232315}' }, signed),
      opensslSays(young, before, await signatures(before, [young])),
    ]
    expect(verdicts).toEqual([
      '',
      '',
      'No signature is by this secret.',
      'No signature is by this secret.',
      'It was signed 600 seconds ago.',
    ])
  })

  test('is verified by the library with either of two secrets, and with no other', async () => {
    const [old, young, stranger] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()]
    const now = { ...message, timestamp: Math.floor(Date.now() / 1000) }
    const headers = {
      'webhook-id': now.id,
      'webhook-timestamp': String(now.timestamp),
      'webhook-signature': await signatures(now, [young, old]),
    }
    for (const secret of [old, young]) expect(new Webhook(secret).verify(now.body, headers)).toBeDefined()
    expect(() => new Webhook(stranger).verify(now.body, headers)).toThrow('No matching signature')
    expect(() => new Webhook(young).verify(now.body.replace('2', '3'), headers)).toThrow(
      'No matching signature',
    )
  })

  test('has a secret of 32 bytes, another each time', () => {
    const secrets = [newWebhookSecret(), newWebhookSecret()]
    for (const secret of secrets) expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32)
    expect(new Set(secrets).size).toBe(2)
  })
})

/** Nothing where openssl verifies a message, else why it does not. */
function opensslSays(secret: string, { id, timestamp, body }: typeof message, signed: string): string {
  const script = join(import.meta.dirname, '..', '..', 'support', 'verify-webhook.sh')
  const { status, stderr } = spawnSync(script, [id, String(timestamp), signed], {
    input: body,
    encoding: 'utf8',
    env: { ...process.env, SECRET: secret },
  })
  return status === 0 ? '' : stderr.trim().replace(/60\d/, '600')
}
