import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasLinphone, Linphone } from '../support/linphone.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { soon } from '../support/wait.ts'

let stack: OwnStack
let linphone: Linphone
let extension = ''

describe.skipIf(!hasLinphone)('Linphone, told the address of its settings and nothing else', () => {
  beforeAll(async () => {
    stack = await startStack()
    const body = { name: 'Alice', username: 'office1', password: 'secure-password' }
    extension = (await stack.api.post('/extensions', body)).id
    const { url } = await stack.api.post(`/extensions/${extension}/provisioning`, {})
    linphone = new Linphone(String(url))
  })
  afterAll(async () => {
    linphone?.close()
    await stack?.stop()
  })

  test('registers', async () => {
    linphone.start()
    const [registration] = await soon('its registration', registered)
    expect(registration).toMatchObject({ extension: 'office1', transport: 'udp' })
    expect(registration?.user_agent).toContain('Linphone')
  })

  test('calls by the relay, though its domain leads nowhere', async () => {
    const { realm } = await stack.api.get(`/extensions/${extension}`)
    linphone.type(`call sip:office2@${realm}`)
    const calls = async () => (await stack.api.list('/calls?page_size=1'))[0]
    expect(await soon('its call', calls)).toMatchObject({ extension_id: extension, direction: 'internal' })
  })

  test('registers again when it is started again, though the link leads nowhere any more', async () => {
    await linphone.quit()
    await soon('it to be gone', async () => !(await registered()))
    expect(linphone.settings()).not.toContain('config-uri')
    linphone.start()
    await soon('its registration', registered)
  })
})

/** Where the phone is registered; undefined: nowhere. */
async function registered() {
  const { result } = (await stack.api.get(`/extensions/${extension}/registrations`)) as unknown as {
    result: Record<string, unknown>[]
  }
  return result.length > 0 ? result : undefined
}
