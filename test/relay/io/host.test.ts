import { describe, expect, test } from 'vitest'
import { portNumber } from '#contract'
import type { Engine } from '../../../relay/engine.ts'
import type { Effect, Note } from '../../../relay/ground/effects.ts'
import { Host } from '../../../relay/io/host.ts'

const flow = { transport: 'udp', address: '192.0.2.1', port: portNumber(5060) } as const

describe('a broken promise of ours', () => {
  test('while an event is handled costs that event', () => {
    const { host, notes, sent } = relay([
      () => {
        throw new Error('impossible')
      },
      () => [send('a')],
    ])
    host.hear({ type: 'drain' })
    host.hear({ type: 'drain' })
    expect(notes.map(({ level, event }) => `${level} ${event}`)).toEqual(['error bug'])
    expect(sent).toEqual(['a'])
  })

  test('while an effect is made true costs that effect and no other', () => {
    const { host, notes, sent } = relay([() => [send('a'), send('broken'), send('b')]])
    host.hear({ type: 'drain' })
    expect(notes).toHaveLength(1)
    expect(sent).toEqual(['a', 'b'])
  })
})

test('what is to be told is told before anything leaves', () => {
  const told: Effect = { type: 'tell', tell: {} as Extract<Effect, { type: 'tell' }>['tell'] }
  const { host, sent } = relay([() => [send('INVITE'), told, send('200')]])
  host.hear({ type: 'drain' })
  expect(sent).toEqual(['a tell', 'INVITE', '200'])
})

test('what may be told late waits until all has left', () => {
  const tell = {} as Extract<Effect, { type: 'tell' }>['tell']
  const { host, sent } = relay([() => [{ type: 'tell', tell, late: true }, send('180')]])
  host.hear({ type: 'drain' })
  expect(sent).toEqual(['180', 'a tell'])
})

test('what may be told late is told before what comes after it', () => {
  const tell = {} as Extract<Effect, { type: 'tell' }>['tell']
  const late: Effect = { type: 'tell', tell, late: true }
  const { host, sent } = relay([() => [late, { type: 'tell', tell }, late, send('180')]])
  host.hear({ type: 'drain' })
  expect(sent).toEqual(['a tell', 'a tell', '180', 'a tell'])
})

function relay(turns: (() => Effect[])[]) {
  const notes: Note[] = []
  const sent: string[] = []
  const engine = { receive: () => turns.shift()?.() ?? [], nextDeadline: () => undefined }
  const host = new Host(engine as unknown as Engine, {
    send(_, bytes) {
      const text = new TextDecoder().decode(bytes)
      if (text === 'broken') throw new Error('no such port')
      sent.push(text)
    },
    close: () => undefined,
    ask: () => new Promise(() => undefined),
    tell: () => void sent.push('a tell'),
    snapshots: { keep: () => undefined, discard: () => undefined, confirm: () => undefined },
    media: () => undefined,
    beat: () => undefined,
    note: (note) => notes.push(note),
  })
  return { host, notes, sent }
}

function send(text: string): Effect {
  return { type: 'send', flow, bytes: new TextEncoder().encode(text) }
}
