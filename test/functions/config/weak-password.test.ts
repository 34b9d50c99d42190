import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { usualPasswords } from '../../../functions/config/usual-passwords.ts'
import { type App, startApp } from '../../support/app.ts'

let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

/** What saving it as the password of the extension `reception-1`, called `Front Desk`, is answered. */
async function saved(password: string): Promise<string> {
  const wish = { name: 'Front Desk', username: 'reception-1', password }
  const { status, body } = await app.alice('POST', '/v1.0/extensions', wish)
  if (status >= 300) return body.error.message
  await app.alice('DELETE', `/v1.0/extensions/${body.id}`)
  return 'taken'
}

describe('a password', () => {
  test.each([
    ['password', 'one of the thousand commonest'],
    ['PassWord1', 'one of the thousand commonest'],
    ['1qaz2wsx', 'one of the thousand commonest'],
    ['reception-1', 'the name of the account'],
    ['Reception-1', 'the name of the account'],
    ['front desk', 'the name of the account'],
    ['1-noitpecer', 'the name of the account, backwards'],
    ['23456789', 'digits in their order'],
    ['890123456', 'digits in their order'],
    ['9876543210', 'digits in their order'],
    ['0000000000', 'the same few characters again and again'],
    ['1001100110011001', 'the same few characters again and again'],
    ['aaaaaaaaaa', 'the same few characters again and again'],
  ])('%s is refused when it is saved: it is %s', async (password, why) => {
    expect(await saved(password)).toBe(`password: is ${why}: it would be guessed; take another`)
  })

  test.each([
    'secure-password',
    'wrong-password',
    'long enough',
    'reception-1!',
    '18273645',
    'correct horse battery',
  ])('%s is taken', async (password) => expect(await saved(password)).toBe('taken'))

  test('of a trunk is looked at alike', async () => {
    const pbx = { domain_name: 'headoffice', auth_types: ['basic'], username: 'pbx-main' }
    for (const password of ['headoffice', 'pbx-main', 'trustno1']) {
      const { status, body } = await app.alice('POST', '/v1.0/trunks', { ...pbx, password })
      expect([password, status, body.error.details[0].field]).toEqual([password, 400, 'password'])
    }
    const { body } = await app.alice('POST', '/v1.0/trunks', { ...pbx, password: 'secure-password' })
    for (const password of ['PBX-main', 'trustno1'])
      expect(await app.alice('PATCH', `/v1.0/trunks/${body.id}`, { password })).toMatchObject({ status: 400 })
  })

  test('which a carrier chose is not ours to judge', async () => {
    const carrier = { hostname: 'sip.provider.com', username: 'acme', password: 'password' }
    expect(await app.alice('POST', '/v1.0/providers', carrier)).toMatchObject({ status: 200 })
  })

  test('of before goes on as it was until it is changed', async () => {
    const wish = { username: 'kept-one-1', password: 'secure-password' }
    const { body } = await app.alice('POST', '/v1.0/extensions', wish)
    const put = (more: object) =>
      app.alice('PUT', `/v1.0/extensions/${body.id}`, { username: 'kept-one-1', ...more })
    expect((await put({ name: 'renamed' })).status).toBe(200)
    expect((await put({ password: 'password' })).status).toBe(400)
    for (const password of ['KEPT-one-1', 'password1'])
      expect(await app.alice('PATCH', `/v1.0/extensions/${body.id}`, { password })).toMatchObject({
        status: 400,
      })
  })

  test('is compared with a thousand, none of them shorter than may be saved', () => {
    expect(usualPasswords.size).toBe(1_000)
    expect([...usualPasswords].filter((one) => one.length < 8 || one !== one.toLowerCase())).toEqual([])
  })
})
