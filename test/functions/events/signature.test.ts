import { execFileSync } from 'node:child_process'
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

  test('is the one which openssl makes', async () => {
    const secret = newWebhookSecret()
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64').toString('hex')
    const mac = execFileSync(
      'openssl',
      ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${key}`, '-binary'],
      { input: `${message.id}.${message.timestamp}.${message.body}` },
    )
    expect(await signatures(message, [secret])).toBe(`v1,${mac.toString('base64')}`)
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
