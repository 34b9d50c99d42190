import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** Whom to ask, for how many calls, and where their parties sit. */
export interface Calls {
  readonly host: string
  readonly port: number
  readonly calls: number
  readonly caller: string
  readonly callee: string
  /** Call i's parties sit at this port + 2i. */
  readonly peers: number
  /** Callers encrypt under this key (a=crypto), callees do not; undefined: no party does. */
  readonly crypto?: string | undefined
}

type Word = string | readonly string[] | { readonly [key: string]: Word }

/** Has rtpengine set up the calls by its ng protocol; one line a call: where the caller sends, where the callee sends. */
export async function offerCalls(wanted: Calls): Promise<string> {
  const socket = createSocket('udp4')
  socket.connect(wanted.port, wanted.host)
  await once(socket, 'connect')
  let lines = ''
  for (let i = 0; i < wanted.calls; i++) {
    const port = wanted.peers + 2 * i
    const tags = { 'call-id': `call-${i}`, 'from-tag': 'a' }
    const toCallee = await portFrom(socket, `o${i}`, {
      command: 'offer',
      ...tags,
      ...(wanted.crypto === undefined ? {} : { 'transport-protocol': 'RTP/AVP' }),
      sdp: sdpOf(wanted.caller, port, wanted.crypto),
    })
    const answer = { command: 'answer', ...tags, 'to-tag': 'b', sdp: sdpOf(wanted.callee, port) }
    lines += `${await portFrom(socket, `a${i}`, answer)} ${toCallee}\n`
  }
  socket.close()
  return lines
}

/** The same for callers which are browsers, each by its offer: by call, what its caller is answered, and where its callee sends. */
export async function offerBrowsers(
  wanted: Calls,
  offers: readonly string[],
): Promise<{ readonly answer: string; readonly callee: string }[]> {
  const socket = createSocket('udp4')
  socket.connect(wanted.port, wanted.host)
  await once(socket, 'connect')
  const calls: { readonly answer: string; readonly callee: string }[] = []
  for (const [i, sdp] of offers.entries()) {
    const tags = { 'call-id': `call-${i}`, 'from-tag': 'a' }
    const plain = { 'transport-protocol': 'RTP/AVP', ICE: 'remove', 'rtcp-mux': ['demux'] }
    const callee = await portFrom(socket, `o${i}`, { command: 'offer', ...tags, ...plain, sdp })
    const said = { ...tags, 'to-tag': 'b', sdp: sdpOf(wanted.callee, wanted.peers + 2 * i) }
    const answer = await ask(socket, `a${i}`, { command: 'answer', ...said, ICE: 'force' })
    calls.push({ answer: /3:sdp\d+:([\s\S]*)/.exec(answer)?.[1] ?? '', callee })
  }
  socket.close()
  return calls
}

/** Has it play a file to the caller of each call which was offered, again and again. */
export function playCalls(wanted: Calls, file: string): Promise<void> {
  return orderEach(wanted, { command: 'play media', 'from-tag': 'a', file, 'repeat-times': '1000' })
}

/** Orders something of each call which was offered. */
export async function orderEach(wanted: Calls, order: { readonly [key: string]: Word }): Promise<void> {
  const socket = createSocket('udp4')
  socket.connect(wanted.port, wanted.host)
  await once(socket, 'connect')
  for (let i = 0; i < wanted.calls; i++) {
    const answer = await ask(socket, `p${i}`, { ...order, 'call-id': `call-${i}` })
    if (!answer.includes('6:result2:ok')) throw new Error(`rtpengine says: ${answer}`)
  }
  socket.close()
}

/** The port in the SDP of an answer. */
async function portFrom(socket: Socket, cookie: string, question: Word): Promise<string> {
  const answer = await ask(socket, cookie, question)
  const port = /m=audio (\d+)/.exec(answer)?.[1]
  if (port) return port
  throw new Error(`rtpengine says: ${answer}`)
}

/** Asks with our own cookie, again when nothing came. */
async function ask(socket: Socket, cookie: string, question: Word): Promise<string> {
  for (let times = 0; times < 5; times++) {
    socket.send(
      `${cookie} ${bencode({ ...(question as object), replace: ['origin', 'session-connection'] })}`,
    )
    const answer = await answered(socket, cookie)
    if (answer) return answer
  }
  throw new Error('rtpengine does not answer')
}

async function answered(socket: Socket, cookie: string): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(1000)
    for (;;) {
      const [packet] = (await once(socket, 'message', { signal })) as [Buffer]
      if (packet.toString().startsWith(`${cookie} `)) return packet.toString()
    }
  } catch {
    return undefined
  }
}

function bencode(word: Word): string {
  if (typeof word === 'string') return `${word.length}:${word}`
  if (Array.isArray(word)) return `l${word.map(bencode).join('')}e`
  const keys = Object.entries(word as Record<string, Word>).sort(([a], [b]) => (a < b ? -1 : 1))
  return `d${keys.map(([key, value]) => bencode(key) + bencode(value)).join('')}e`
}

function sdpOf(address: string, port: number, crypto?: string): string {
  const lines = ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0']
  const [proto, keys] = crypto === undefined ? ['RTP/AVP', []] : ['RTP/SAVP', [crypto]]
  return [...lines, `m=audio ${port} ${proto} 8`, 'a=rtpmap:8 PCMA/8000', 'a=ptime:20', ...keys, ''].join(
    '\r\n',
  )
}
