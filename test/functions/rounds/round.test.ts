import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { round } from '../../../functions/rounds/round.ts'
import { type App, startApp } from '../../support/app.ts'
import { newRelay } from '../../support/beat.ts'

let app: App
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

describe('a round', () => {
  test('finds nothing which will be due where nothing is', async () => {
    expect(await round(app.env, false)).toBeUndefined()
  })

  test('says when a relay will have been silent for too long', async () => {
    await (await newRelay(app, 'relay-1')).beat()
    const dueInMs = (await round(app.env, false)) ?? 0
    expect(dueInMs).toBeGreaterThan(5_000)
    expect(dueInMs).toBeLessThanOrEqual(15_000)
  })
})
