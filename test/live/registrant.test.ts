import { afterEach, describe, expect, test } from 'vitest'
import { beatEveryMs, deadAfterMs, type ProviderFacts, portNumber, type RegistrationReport } from '#contract'
import { type CoreRelay, openCoreRelay } from '../support/core-relay.ts'
import { telnyx } from '../support/office.ts'
import { configured, edgeSays } from '../support/providers.ts'
import { Registrar } from '../support/registrar.ts'
import { header } from '../support/sip-text.ts'
import { pause, soon } from '../support/wait.ts'

/*
 * Registrations over real sockets and real time: two relays, a registrar, and an edge of the test's own which
 * gives the registration to one relay at a time, as its beats are answered.
 */

const account = { username: 'trunk7', password: 'secret' }
const opened: { close(): void | Promise<void> }[] = []

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

describe('two relays and a registrar', () => {
  test('a holder which is killed is replaced, under a higher epoch', async () => {
    const { registrar, edge, one, two } = await house()
    await soon('the first to register', () => registrar.standing.length === 1)
    expect(registrar.standing[0]).toContain(`@${one.place.address}:${one.place.port};line=L1`)
    const killed = performance.now()
    edge.kill(one)
    const taken = `@${two.place.address}:${two.place.port};line=L1`
    await soon('the second to register', () => registrar.standing.some((uri) => uri.includes(taken)))
    const ms = performance.now() - killed
    process.stdout.write(`${JSON.stringify({ handed_over_after_ms: Math.round(ms) })}\n`)
    const report = await soon('its report', () => registered(edge.reportOf(two)))
    expect(report).toMatchObject({ status: 'registered', epoch: 2, sip_status: 200 })
  })

  test('a holder which drains takes its contact back, and the other registers', async () => {
    const { registrar, edge, one, two } = await house()
    await soon('the first to register', () => registrar.standing.length === 1)
    one.drain()
    await soon('its contact to go', () => registrar.standing.every((uri) => !uri.includes(placeOf(one))))
    await soon('the second to register', () => registrar.standing.some((uri) => uri.includes(placeOf(two))))
    expect(edge.reportOf(one)).toMatchObject({ status: 'not_registered' })
  })

  test('an edge which is away leaves the registration where it is, and it is refreshed', async () => {
    const { registrar, edge, one, two } = await house(3600, (registrar) => {
      registrar.grants = 6
    })
    await soon('the first to register', () => registrar.standing.length === 1)
    edge.away = true
    await soon('two refreshes', () => grants(registrar) >= 3)
    expect(registrar.standing).toHaveLength(1)
    expect(registrar.standing[0]).toContain(placeOf(one))
    expect(registrar.asked.every((asked) => !header(asked, 'contact').includes(placeOf(two)))).toBe(true)
  })
})

describe('a registrar', () => {
  test('which says 503 with Retry-After, and then 423, is satisfied in the end', async () => {
    const { registrar, edge, one } = await house(60, (registrar) => {
      registrar.least = 90
      registrar.moods.push({ status: 503, headers: [['Retry-After', '1']] })
    })
    await soon('it to register', () => registrar.standing.length === 1)
    await soon('its report', () => registered(edge.reportOf(one)))
    const asked = registrar.asked
    expect(new Set(asked.map((message) => header(message, 'call-id'))).size).toBe(1)
    const numbers = asked.map((message) => Number.parseInt(header(message, 'cseq'), 10))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(header(asked.at(-1) ?? { start: '', headers: [], body: '' }, 'expires')).toBe('90')
  })
})

/** Which relay holds the registration: the first which is alive, under an epoch that rises with each change. */
class Edge {
  away = false
  readonly #heardAt = new Map<CoreRelay, number>()
  readonly #reports = new Map<CoreRelay, RegistrationReport>()
  readonly #draining = new Set<CoreRelay>()
  readonly #timers = new Map<CoreRelay, NodeJS.Timeout>()
  readonly #provider: ProviderFacts
  #holder: CoreRelay | undefined
  #epoch = 0

  constructor(provider: ProviderFacts) {
    this.#provider = provider
  }

  /** A relay beats from now on; what happens between two beats of the tests is heard a little sooner. */
  join(relay: CoreRelay): void {
    relay.configure([this.#provider])
    this.#beat(relay)
    this.#timers.set(
      relay,
      setInterval(() => this.#beat(relay), beatEveryMs),
    )
    opened.push({ close: () => this.kill(relay) })
  }

  kill(relay: CoreRelay): void {
    const timer = this.#timers.get(relay)
    if (timer === undefined) return
    clearInterval(timer)
    this.#timers.delete(relay)
    void relay.kill()
  }

  reportOf(relay: CoreRelay): RegistrationReport | undefined {
    return relay.beat(this.#answer(relay)).registrations[0] ?? this.#reports.get(relay)
  }

  #beat(relay: CoreRelay): void {
    if (this.away) return
    this.#heardAt.set(relay, performance.now())
    const said = relay.beat(this.#answer(relay))
    if (said.draining) this.#draining.add(relay)
    if (said.registrations[0]) this.#reports.set(relay, said.registrations[0])
  }

  #answer(relay: CoreRelay) {
    const alive = (one: CoreRelay) =>
      !this.#draining.has(one) && performance.now() - (this.#heardAt.get(one) ?? 0) < deadAfterMs
    if (!this.#holder || !alive(this.#holder)) {
      const next = [...this.#heardAt.keys()].find(alive)
      if (next) this.#epoch++
      this.#holder = next
    }
    const mine = this.#holder === relay ? [{ provider_id: this.#provider.id, epoch: this.#epoch }] : []
    return edgeSays({ registrations: mine })
  }
}

async function house(expires = 3600, prepare: (registrar: Registrar) => void = () => undefined) {
  const registrar = await Registrar.open('127.0.0.31', account)
  opened.push(registrar)
  prepare(registrar)
  const edge = new Edge(
    configured(telnyx, {
      hostname: registrar.place.address,
      port: portNumber(registrar.place.port),
      ...account,
      register: true,
      register_expires: expires,
      line: 'L1',
      probe_interval: 0,
    }),
  )
  const one = await openCoreRelay('127.0.0.32', 'r1')
  const two = await openCoreRelay('127.0.0.33', 'r2')
  edge.join(one)
  // Beats of several relays do not coincide.
  await pause(beatEveryMs / 2)
  edge.join(two)
  return { registrar, edge, one, two }
}

function registered(report: RegistrationReport | undefined): RegistrationReport | undefined {
  return report?.status === 'registered' ? report : undefined
}

function placeOf({ place }: CoreRelay): string {
  return `@${place.address}:${place.port};`
}

/** How often a contact was granted. */
function grants(registrar: Registrar): number {
  return registrar.trace.filter(
    ({ way, message }) => way === 'sent' && message.start.startsWith('SIP/2.0 200'),
  ).length
}
