import { randomBytes } from 'node:crypto'
import { type BeatAnswer, monotonicMs, portNumber } from '#contract'
import { Engine } from '../../relay/engine.ts'
import type { Effect } from '../../relay/ground/effects.ts'
import type { Flow } from '../../relay/ground/flow.ts'
import { entropy } from '../../relay/io/entropy.ts'
import { openHashes } from '../../relay/io/hashes.ts'
import { loadCollector } from '../../relay/io/memory.ts'
import { noAuthorizations, prove } from '../../relay/sip/authorization.ts'
import type { Message, Request, Response } from '../../relay/sip/message.ts'
import { parseMessage } from '../../relay/sip/parse.ts'
import { beatAnswer, configuration, filed, withCarrier, withExtension } from '../support/snapshot.ts'
import { ackText, answerText, inviteText, registerText } from './messages.ts'

const customerId = '11111111-1111-4111-8111-111111111111'
const realm = `${customerId}.registrar.trunkline.test`
const password = 'secure-password'
const hashes = openHashes(randomBytes(32))
const relay = { address: '198.51.100.1', port: portNumber(5060) }
const carrier: Flow = { transport: 'udp', address: '203.0.113.1', port: portNumber(5060) }
const beatMs = 2_000
const encoder = new TextEncoder()

/** The core of a relay without its sockets, under a customer with so many phones, to see what it holds of each. */
export class HeldEngine {
  readonly #engine: Engine
  readonly #collect = loadCollector()
  #now = 1_000
  #beatAt = 0

  constructor(phones: number) {
    this.#engine = new Engine({
      endpoint: { ...relay, relayId: 'r1', entropy, hashes, epoch: Date.now() },
      served: { baseDomain: 'trunkline.test', names: new Set([relay.address]), unknownSource: 'refuse' },
      rtpPorts: [10_000, 59_999],
    })
    let office = configuration(customerId, 1)
    const { snapshot, secrets } = office
    const extensions = Array.from({ length: phones }, (_, at) => {
      const one = { id: idOf(at), name: `phone${at}`, realm, password }
      return withExtension({ snapshot, secrets }, one)
    })
    office = {
      snapshot: { ...snapshot, extensions: extensions.flatMap((one) => one.snapshot.extensions) },
      secrets: { ...secrets, accounts: extensions.flatMap((one) => one.secrets.accounts) },
    }
    office = withCarrier(office, {
      id: '44444444-4444-4444-8444-444444444444',
      name: 'Carrier',
      hostname: 'sip.carrier.test',
      sources: [`${carrier.address}/32`],
    })
    const [asked] = this.#lives([{ customer_id: customerId, version: 1, gone: false }])
    if (asked?.type !== 'ask') throw new Error('no snapshot was asked for')
    const answer = { kind: 'snapshot', verified: filed(office) } as const
    this.#hear({ type: 'answered', id: asked.id, answer: { ask: 'snapshot', answer } })
  }

  /** Octets in use: of the heap, and of buffers outside it. */
  get octets(): number {
    this.#collect?.()
    this.#collect?.()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }

  get load() {
    return this.#engine.load
  }

  /** A phone registers by digest. */
  register(at: number): void {
    const flow = phoneAt(at)
    const asked = messageOf(registerText(at, flow, realm))
    const challenge = this.#says(flow, asked)
    const proof = proofOf(asked, challenge, `phone${at}`)
    const answered = this.#says(flow, messageOf(registerText(at, flow, realm, proof)))
    if (answered.status !== 200) throw new Error(`phone ${at} is answered ${answered.status}`)
  }

  /** A phone calls out, is answered and acknowledges. */
  call(at: number): void {
    const flow = phoneAt(at)
    const user = `phone${at}`
    const asked = messageOf(inviteText(at, flow, realm))
    const challenge = this.#says(flow, asked)
    this.#heard(flow, ackText(asked, challenge, flow))
    const proved = messageOf(inviteText(at, flow, realm, proofOf(asked, challenge, user)))
    const effects = this.#heard(flow, proved.text)
    const invite = effects.map(sentTo(carrier)).find((sent) => sent?.kind === 'request')
    if (invite?.kind !== 'request') throw new Error(`call ${at} went nowhere`)
    this.#heard(carrier, answerText(invite, 180, carrier))
    const answers = this.#heard(carrier, answerText(invite, 200, carrier)).map(sentTo(flow))
    const answer = answers.find((sent): sent is Response => sent?.kind === 'response')
    if (answer?.status !== 200) throw new Error(`call ${at} is answered ${answer?.status}`)
    this.#heard(flow, ackText(proved, answer, flow))
  }

  /** Time passes, and the edge lives. */
  pass(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#next(); next <= end; next = this.#next()) {
      this.#now = Math.max(next, this.#now)
      this.#hear({ type: 'tick' })
      if (next === this.#beatAt) this.#lives()
    }
    this.#now = end
  }

  /** When the engine wants to be told the time, or the edge says that it lives. */
  #next(): number {
    return Math.min(this.#engine.nextDeadline() ?? this.#beatAt, this.#beatAt)
  }

  /** The edge says what is new. */
  #lives(changed: BeatAnswer['changed'] = []): Effect[] {
    const now = monotonicMs(this.#now)
    this.#beatAt = now + beatMs
    this.#engine.pulse(now)
    const at = new Date(this.#engine.rooms.clock.epoch + this.#now).toISOString()
    return this.#hear({ type: 'beat', answer: { ...beatAnswer(1, changed), at }, sentAt: now })
  }

  /** What the other end hears first of what was said. */
  #says(flow: Flow, said: Said): Response {
    const [first] = this.#heard(flow, said.text).flatMap((effect) => sentTo(flow)(effect) ?? [])
    if (first?.kind !== 'response') throw new Error('it was not answered')
    return first
  }

  #heard(flow: Flow, text: string): Effect[] {
    return this.#hear({ type: 'packet', flow, bytes: encoder.encode(text) })
  }

  #hear(input: Parameters<Engine['receive']>[1]): Effect[] {
    const effects = this.#engine.receive(monotonicMs(this.#now), input)
    return effects.concat(effects.flatMap((effect) => this.#served(effect)))
  }

  /** DNS and the media thread do as they are told. */
  #served(effect: Effect): Effect[] {
    if (effect.type === 'media' && effect.command.type === 'open') {
      const { session } = effect.command
      return this.#hear({ type: 'media', report: { type: 'opened', session } })
    }
    if (effect.type !== 'ask') return []
    const { id, question } = effect
    if (question.ask === 'snapshot') return []
    if (question.ask === 'locate')
      return this.#hear({ type: 'answered', id, answer: { ask: 'locate', answer: { flows: [carrier] } } })
    return this.#hear({ type: 'unanswered', id, why: 'nobody is asked here' })
  }
}

/** A request as text, and as it is read. */
export interface Said {
  readonly text: string
  readonly request: Request
}

function messageOf(text: string): Said {
  const read = parseMessage(encoder.encode(text))
  if (!read.ok || read.value.kind !== 'request') throw new Error(`no request: ${text}`)
  return { text, request: read.value }
}

function proofOf({ request }: Said, challenge: Response, username: string): string {
  const account = { username, password, realm: null }
  const proved = prove(noAuthorizations, challenge, request, account, { entropy, hashes })
  if (!proved) throw new Error(`no challenge in ${challenge.status}`)
  return proved.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}

/** What an effect sends there; undefined: nothing. */
function sentTo(flow: Flow): (effect: Effect) => Message | undefined {
  return (effect) => {
    if (effect.type !== 'send' || effect.flow.address !== flow.address || effect.flow.port !== flow.port)
      return undefined
    const read = parseMessage(effect.bytes)
    return read.ok ? read.value : undefined
  }
}

/** Four phones behind each address. */
function phoneAt(at: number): Flow {
  const [host, port] = [at >> 2, 5062 + 2 * (at & 3)]
  return {
    transport: 'udp',
    address: `10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`,
    port: portNumber(port),
  }
}

function idOf(at: number): string {
  return `22222222-2222-4222-8222-${at.toString(16).padStart(12, '0')}`
}
