import { describe, expect, test } from 'vitest'
import { openLog } from '../../../relay/io/log.ts'

describe('the log', () => {
  test('is a JSON line per note, whatever strangers write into its fields', () => {
    const { log, lines } = written()
    log('info', 'call.ended', { call_id: 'c1', display: 'a"\r\n{"event":"forged"}\u001b[31m' })
    expect(lines()).toHaveLength(1)
    expect(lines()[0]).toMatchObject({ event: 'call.ended', call_id: 'c1' })
  })

  test('masks what has a secret’s name', () => {
    const { log, text } = written()
    for (const name of ['password', 'authorization', 'relay_key', 'ha1_md5', 'nonce', 'access_token'])
      log('error', 'oops', { [name]: 'canary', why: 'kept' })
    expect(text()).not.toContain('canary')
    expect(text().match(/kept/g)).toHaveLength(6)
  })

  test('says nothing below its level', () => {
    const { log, lines } = written('warn')
    log('info', 'chatter')
    log('debug', 'chatter')
    log('warn', 'heard')
    expect(lines().map(({ event }) => event)).toEqual(['heard'])
  })

  test('counts a flood of one complaint instead of writing it, and lets others through', () => {
    const { log, lines } = written()
    for (let i = 0; i < 5_000; i++) log('warn', 'sip.broken', { source: '192.0.2.1' })
    log('warn', 'other')
    for (let i = 0; i < 100; i++) log('info', 'call.ended')
    const events = lines().map(({ event }) => event)
    expect(events.filter((event) => event === 'sip.broken').length).toBeLessThanOrEqual(40)
    expect(events.filter((event) => event === 'other')).toHaveLength(1)
    expect(events.filter((event) => event === 'call.ended')).toHaveLength(100)
  })

  test('says how many it has swallowed', async () => {
    const { log, lines } = written()
    for (let i = 0; i < 50; i++) log('warn', 'sip.broken')
    await new Promise((later) => setTimeout(later, 1_010))
    log('warn', 'sip.broken')
    expect(lines().at(-1)).toMatchObject({ event: 'sip.broken', unsaid: 30 })
  })
})

function written(level = 'debug') {
  let text = ''
  const destination = {
    write(line: string) {
      text += line
    },
  }
  const lines = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  return { log: openLog({ level, destination }), lines, text: () => text }
}
