import { describe, expect, test } from 'vitest'
import { relayProtocol } from '#contract'
import { rememberErrors } from '../../../relay/io/log-errors.ts'
import { openVitals } from '../../../relay/io/vitals.ts'

const load = () => ({ calls: 2, bindings: 140 })
const spool = { news: 3, bytes: 1200 }

describe('what a relay says of itself in a beat', () => {
  test('is its version, its protocol, where it stands, what it carries and what it has yet to tell', () => {
    const vitals = openVitals({ region: 'eu-central', load, spool, lastError: () => null })()
    expect(vitals).toMatchObject({
      software: expect.stringMatching(/^\d+\.\d+\.\d+/),
      protocol: relayProtocol,
      region: 'eu-central',
      load: { calls: 2, registrations: 140 },
      waiting_tells: 3,
      spool_bytes: 1200,
      last_error: null,
    })
    expect(Math.abs(Date.parse(vitals.clock ?? '') - Date.now())).toBeLessThan(1000)
  })

  test('is how busy it was since it said so before', () => {
    const vitals = openVitals({ region: undefined, load, spool, lastError: () => null })
    vitals()
    const [from, used] = [performance.now(), process.cpuUsage()]
    const spent = () => Object.values(process.cpuUsage(used)).reduce((sum, part) => sum + part, 0) / 1000
    // Of the processor's time, not the clock's: another process may have the core meanwhile.
    while (spent() < 60);
    const share = spent() / (performance.now() - from)
    const busy = vitals()
    expect(busy.region).toBeNull()
    expect(busy.load?.cpu).toBeGreaterThan(share / 2)
    expect(busy.load?.cpu).toBeLessThan(share * 2)
  })

  test.each([
    ['edge.disagrees', { sentence: 'Set BASE_DOMAIN.' }, 'Set BASE_DOMAIN.'],
    ['spool.failed', { why: 'the disk is full' }, 'spool.failed: the disk is full'],
    ['media.gone', undefined, 'media.gone'],
    ['long', { why: 'x'.repeat(300) }, `long: ${'x'.repeat(250)}`],
  ])('has the error %s in words', (event, fields, message) => {
    const { log, last } = rememberErrors(() => undefined)
    log('warn', 'edge.away', { why: 'no answer' })
    expect(last()).toBeNull()
    log('error', event, fields)
    expect(last()).toEqual({ at: expect.stringMatching(/Z$/), message })
  })
})
