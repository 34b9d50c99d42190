import { DatabaseSync } from 'node:sqlite'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { type HubNews, protocolOfReceipt, type UtcMs } from '#contract'
import type { RelayRecord } from '../../../functions/hub/events.ts'
import { HubBook } from '../../../functions/relay-api/hub-book.ts'
import { RelayHub } from '../../../functions/relay-api/relay-hub.ts'
import { WaitingBeats, waitsForMs } from '../../../functions/relay-api/waiting-beats.ts'
import { idleBeat } from '../../support/beat.ts'
import { soon } from '../../support/wait.ts'

/* The object with a storage of its own, whose rows hold two megabytes as Cloudflare's do, and without a database. */

beforeAll(() => {
  vi.stubGlobal('WebSocketRequestResponsePair', class {})
  vi.spyOn(console, 'error').mockImplementation(() => {})
})

const rowAtMost = 2_000_000
const command = { kind: 'call_hangup', command_id: crypto.randomUUID() }

function storage() {
  const database = new DatabaseSync(':memory:')
  const exec = (statement: string, ...values: string[]) => {
    if (values.some(({ length }) => length > rowAtMost)) throw new Error('string or blob too big')
    const prepared = database.prepare(statement)
    const rows = statement.startsWith('select') ? prepared.all(...values) : []
    if (!statement.startsWith('select')) prepared.run(...values)
    return { toArray: () => rows }
  }
  return { sql: { exec }, setAlarm: async () => {} } as unknown as ConstructorParameters<typeof HubBook>[0]
}

function record(relayId: string, more: Partial<RelayRecord> = {}): RelayRecord {
  const beat = idleBeat(relayId)
  const known = { line: undefined, joined: true, serial: 0, n: 0, told: '', answer: undefined, holdings: [] }
  return { bootId: beat.boot_id, beat, version: 1, aheadMs: 0, ...known, ...more }
}

/** A socket of the relay of that name, and what came over it. */
function socketOf(relayId: string, send?: () => void) {
  const [heard, closed]: [string[], number[]] = [[], []]
  const line = { line: `line of ${relayId}`, relayId, protocol: 4, key: {}, openedAt: Date.now() }
  const socket = {
    deserializeAttachment: () => line,
    send: send ?? ((word: string) => heard.push(JSON.parse(word).type)),
    close: (code: number) => closed.push(code),
  } as unknown as WebSocket
  return { socket, relayId, line: line.line, heard, closed }
}

/** A hub which woke with these relays on the line, and knows of others. */
function woken(sockets: ReturnType<typeof socketOf>[], others: string[] = [], kept = storage()) {
  const book = new HubBook(kept)
  const known = book.records()
  for (const { relayId, line } of sockets)
    if (!known.has(relayId)) book.keep(relayId, record(relayId, { line }))
  for (const relayId of others) book.keep(relayId, record(relayId))
  const state = {
    storage: kept,
    getWebSockets: () => sockets.map(({ socket }) => socket),
    getWebSocketAutoResponseTimestamp: () => null,
    setWebSocketAutoResponse: () => {},
    acceptWebSocket: () => {},
  }
  return new RelayHub(state as never, {})
}

async function sent(hub: RelayHub, relayId: string): Promise<boolean> {
  const body = JSON.stringify({ relay_id: relayId, news: { commands: [command] } as unknown as HubNews })
  const answer = await hub.fetch(new Request('https://hub/push', { method: 'POST', body }))
  return ((await answer.json()) as { sent: boolean }).sent
}

describe('a push', () => {
  const broken = () => {
    throw new Error('The socket is closed.')
  }

  test.each<[string, boolean, () => RelayHub]>([
    ['is sent to a relay on the line', true, () => woken([socketOf('relay-1')])],
    ['is not to one which has no line', false, () => woken([], ['relay-1'])],
    ['is not where its line takes no word', false, () => woken([socketOf('relay-1', broken)])],
    ['is not to one of which nothing is known', false, () => woken([])],
  ])('%s', async (_, expected, hub) => {
    expect(await sent(hub(), 'relay-1')).toBe(expected)
  })

  test('of an order is sent once its relay says that it has it, and not where the line is closed before', async () => {
    const line = `line of relay-1`
    const relay = () => {
      const kept = storage()
      const beat = { ...idleBeat('relay-1'), protocol: protocolOfReceipt }
      new HubBook(kept).keep('relay-1', record('relay-1', { line, beat, bootId: beat.boot_id }))
      const its = socketOf('relay-1')
      return { its, hub: woken([its], [], kept) }
    }
    const says = relay()
    const heard = sent(says.hub, 'relay-1')
    await soon('the order', () => says.its.heard.includes('news'))
    says.hub.webSocketMessage(says.its.socket, JSON.stringify({ type: 'seen', serial: 1 }))
    expect(await heard).toBe(true)
    const mute = relay()
    const lost = sent(mute.hub, 'relay-1')
    await soon('the order', () => mute.its.heard.includes('news'))
    mute.hub.webSocketClose(mute.its.socket)
    expect(await lost).toBe(false)
  })
})

describe('what a relay said too much of', () => {
  const much = { ...idleBeat('much'), address: 'x'.repeat(rowAtMost) }

  test('keeps no other relay from being written down, and is not taken for what it was before', () => {
    const kept = storage()
    const book = new HubBook(kept)
    for (const relayId of ['much', 'one', 'other']) book.keep(relayId, record(relayId))
    book.keep('much', record('much', { beat: much }))
    book.keep('other', record('other', { serial: 7 }))
    book.write()
    const records = new HubBook(kept).records()
    expect([...records.keys()]).toEqual(['one', 'other'])
    expect(records.get('other')?.serial).toBe(7)
  })

  test('stops no time: who was silent is given up', () => {
    const kept = storage()
    const hub = woken([], ['silent'], kept)
    vi.spyOn(kept.sql, 'exec').mockImplementation(() => {
      throw new Error('The disk is full.')
    })
    expect(() => hub.alarm()).not.toThrow()
  })

  test.each([
    ['no text', new ArrayBuffer(8), 1003],
    ['larger than a beat may be', ' '.repeat(4 * 1_048_576 + 1), 1009],
  ])('closes its line, where a frame is %s', (_, frame, code) => {
    const relay = socketOf('relay-1')
    const hub = woken([relay])
    hub.webSocketMessage(relay.socket, frame)
    expect(relay.closed).toEqual([code])
    hub.webSocketMessage(relay.socket, frame)
    expect(relay.closed).toEqual([code])
  })
})

describe('a line whose relay the hub knows nothing of as it wakes', () => {
  test('is closed, that it says on another what it holds', () => {
    const [known, unknown] = [socketOf('relay-1'), socketOf('relay-2')]
    const kept = storage()
    new HubBook(kept).keep('relay-1', record('relay-1', { line: known.line }))
    const state = { storage: kept, getWebSockets: () => [known.socket, unknown.socket] }
    const more = { getWebSocketAutoResponseTimestamp: () => null, setWebSocketAutoResponse: () => {} }
    new RelayHub({ ...state, ...more } as never, {})
    expect([known.closed, unknown.closed]).toEqual([[], [1000]])
  })
})

describe('a beat over HTTP', () => {
  const begun = 1_000_000 as UtcMs
  const late = (begun + waitsForMs + 1) as UtcMs
  const answer = (commands: object[]) => ({ version: 1, commands }) as never

  test.each([
    ['in time, with an order', begun, [command], { version: 1, commands: [command] }, true],
    ['late, with none', late, [], { version: 1, commands: [] }, true],
    ['late, with an order, which is not given out', late, [command], 'away', false],
  ])('is answered %s', async (_, at, commands, heard, given) => {
    const beats = new WaitingBeats()
    const word = beats.wait('ask', begun)
    expect(beats.answer('ask', answer(commands), at)).toBe(given)
    expect(await word).toEqual(heard)
  })

  test('is not told to Postgres once its Worker has done so', () => {
    const beats = new WaitingBeats()
    void beats.wait('ask', begun)
    expect([begun, late].map((now) => beats.isGivenUp('ask', now))).toEqual([false, true])
    expect(beats.isGivenUp('another', begun)).toBe(true)
  })
})
