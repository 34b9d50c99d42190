import { expect, test } from 'vitest'
import { newRelayKey, type RelaySecrets, readRelayKey, relayKey } from '../../functions/relay-key.ts'

const one: RelaySecrets = ['1'.repeat(32)]
const other: RelaySecrets = ['2'.repeat(32)]

test('a key made from a secret is read once, and the same each time', async () => {
  const key = await relayKey(one[0], 'berlin-1')
  const read = await readRelayKey(one, key)
  expect(read).toMatchObject({
    relayId: 'berlin-1',
    derived: true,
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  expect(await readRelayKey(one, key)).toBe(read)
})

test('what another secret made is not derived from this one, however often it is read', async () => {
  const key = await relayKey(other[0], 'berlin-1')
  expect(await readRelayKey(other, key)).toMatchObject({ derived: true })
  expect(await readRelayKey(one, key)).toMatchObject({ derived: false })
  expect(await readRelayKey(one, key)).toMatchObject({ derived: false })
})

test('a key of nothing but chance is read anew, and not kept', async () => {
  const key = newRelayKey('berlin-1')
  expect(await readRelayKey(one, key)).not.toBe(await readRelayKey(one, key))
})
