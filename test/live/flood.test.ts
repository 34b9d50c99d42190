import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answers, Carrier } from '../support/carrier.ts'
import { type Office, openOffice } from '../support/live-office.ts'
import type { Phone } from '../support/phone.ts'
import { statusOf } from '../support/sip-text.ts'
import { type OwnStack, startStack } from '../support/stack.ts'
import { pause } from '../support/wait.ts'

const perTurn = 20
const addresses = 500
const turnMs = 10

let stack: OwnStack
let office: Office
let carrier: Carrier
let phone: Phone

describe('while two thousand packets a second come from five hundred addresses', () => {
  beforeAll(async () => {
    // A busy machine may take its time; a flooded edge takes longer.
    stack = await startStack({ ASK_BUDGET_MS: '2000' })
    carrier = await Carrier.open(
      { name: 'carrier', address: '127.0.7.60', relay: stack.relay },
      answers('c', 50),
    )
    // The carrier lives in the process which floods: it may be slow to answer.
    const failover = { first_response_ms: 20_000, progress_ms: 20_000 }
    office = await openOffice(stack, [carrier.place], ['office1'], { failover })
    phone = await office.phone('office1', '127.0.7.61')
    await phone.register()
  })
  afterAll(async () => {
    phone?.close()
    carrier?.close()
    await stack?.stop()
  })

  test('all of them calls from nowhere, a phone registers and its calls are answered', async () => {
    await flooded((from, at) => request('INVITE', `sip:+1555${at}@${stack.relay.address}`, from, at))
  })

  test('all of them phones nobody knows, a phone registers and its calls are answered', async () => {
    await flooded((from, at) => request('REGISTER', `sip:nobody${at}@${office.realm}`, from, at))
  })
})

/** Floods the relay for as long as three good calls take. */
async function flooded(message: (from: Socket, at: number) => string): Promise<void> {
  const sockets = await Promise.all(
    Array.from({ length: addresses }, (_, at) => openSocket(`127.0.${80 + (at >> 7)}.${1 + (at & 127)}`)),
  )
  let at = 0
  const flood = setInterval(() => {
    for (let i = 0; i < perTurn; i++, at++) {
      const from = sockets[at % sockets.length]
      from?.send(message(from, at), stack.relay.port, stack.relay.address)
    }
  }, turnMs)
  try {
    await pause(500)
    for (let call = 0; call < 3; call++) {
      expect(statusOf(await phone.register())).toBe(200)
      const placed = await phone.call('+15551234567')
      expect(statusOf(await placed.result)).toBe(200)
      await placed.call.bye()
    }
  } finally {
    clearInterval(flood)
    for (const socket of sockets) socket.close()
  }
  expect(stack.words()).not.toContain('bug')
}

async function openSocket(address: string): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, address)
  await once(socket, 'listening')
  return socket.on('error', () => undefined)
}

function request(method: string, uri: string, from: Socket, at: number): string {
  const { address, port } = from.address()
  const target = method === 'REGISTER' ? uri.replace(/[^:]*@/, '') : uri
  return `${[
    `${method} ${target} SIP/2.0`,
    `Via: SIP/2.0/UDP ${address}:${port};rport;branch=z9hG4bKflood${at}`,
    'Max-Forwards: 70',
    `From: <${method === 'REGISTER' ? uri : 'sip:nobody@nowhere.test'}>;tag=${at}`,
    `To: <${uri}>`,
    `Call-ID: flood-${at}@${address}`,
    `CSeq: 1 ${method}`,
    `Contact: <sip:nobody@${address}:${port}>`,
    'Content-Length: 0',
  ].join('\r\n')}\r\n\r\n`
}
