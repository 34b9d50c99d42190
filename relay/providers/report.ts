import type { MonotonicMs, ProviderFacts } from '#contract'
import { probeServes } from '#routing'
import type { Located } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { asksForKeys, refusesKeys } from '../leg/keying.ts'
import { parseChallenges } from '../sip/digest.ts'
import type { Response } from '../sip/message.ts'
import { type AddressResult, type RequestOutcome, statusLine } from '../ua/out-of-dialog.ts'
import { describeFlow } from './options.ts'

/** One thing a test did, and how it went. */
interface TestStep {
  readonly step: string
  readonly ok: boolean
  readonly words: string
  readonly ms: number
}

/** What a test found out. */
export interface TestReport {
  readonly ok: boolean
  /** One sentence for the provider's customer. */
  readonly verdict: string
  readonly steps: readonly TestStep[]
  /** Last SIP status, 0 where none came. */
  readonly status: number
}

/** What a round of OPTIONS says about a provider; `address` is ours, as the provider knows it. */
export function optionsReport(provider: ProviderFacts, outcome: RequestOutcome, address: string): TestReport {
  const { hostname, probe_accept } = provider
  const { found, tries, locateMs } = outcome
  const stages = tries.map((one): TestStep => {
    const ok = probeServes(one.status, probe_accept)
    return { step: 'options', ok, words: `${describeFlow(one.flow)}: ${one.why}`, ms: whole(one.ms) }
  })
  const steps = [locateStep(hostname, outcome), ...stages]
  if (found.length === 0) return { ok: false, verdict: notFound(hostname, outcome.why), steps, status: 0 }
  const best =
    tries.find(({ status }) => probeServes(status, probe_accept)) ?? tries.findLast(answered) ?? tries.at(-1)
  if (!best) return { ok: false, verdict: `${hostname} was not asked after ${locateMs} ms`, steps, status: 0 }
  if (best.status === 0) return { ok: false, verdict: silence(tries), steps, status: 0 }
  const ok = probeServes(best.status, probe_accept) && !refuses(best.status)
  const verdict = `${said(provider, best, address)}${besides(tries)}`
  return { ok, verdict, steps, status: best.status }
}

/** How the host was looked for. */
function locateStep(
  hostname: string,
  { found, locateMs, why }: Pick<RequestOutcome, 'found' | 'locateMs' | 'why'>,
): TestStep {
  const places = found.map(describeFlow).join(', ')
  const sentence = found.length === 0 ? notFound(hostname, why) : `${hostname} is at ${places}`
  return { step: 'locate', ok: found.length > 0, words: sentence, ms: whole(locateMs) }
}

/** Why a refusal of ours concerns the provider's configuration; undefined: it does not. */
function refusal(
  provider: ProviderFacts,
  response: Response,
  proofs: number,
  address: string,
): string | undefined {
  const { hostname, username, password, realm } = provider
  const said = statusLine(response)
  if (response.status === 403)
    return `${hostname} does not know us: ${said}; is our address ${address} on its list?`
  if (response.status !== 401 && response.status !== 407) return undefined
  const theirs = realmOf(response)
  const asks = `${hostname} asks for credentials${theirs === undefined ? '' : ` for realm "${theirs}"`}`
  if (username === null || password === null) return `${asks}, and the provider has none: ${said}`
  if (realm !== null && realm !== theirs) return `${asks}, and ours are for realm "${realm}": ${said}`
  return proofs > 0
    ? `${hostname} asks for credentials and refuses ours: ${said}; are username and password right?`
    : `${asks} in a way we cannot answer: ${said}`
}

/** Whole milliseconds. */
function whole(ms: number): number {
  return Math.round(ms)
}

/** Nothing came from any address. */
function silence(tries: readonly Pick<AddressResult, 'flow' | 'why'>[]): string {
  const [only] = tries
  if (only && tries.length === 1) return `nobody answers at ${describeFlow(only.flow)}: ${only.why}`
  const places = tries.map(({ flow, why }) => `${describeFlow(flow)} (${why})`)
  return `nobody answers at ${places.join(', ')}`
}

function said(provider: ProviderFacts, one: AddressResult, address: string): string {
  const { hostname } = provider
  const { flow, status, response, proofs, ms } = one
  const refused = response && refusal(provider, response, proofs, address)
  if (refused !== undefined) return refused
  const answer = `${one.why} from ${describeFlow(flow)} in ${whole(ms)} ms`
  if (!probeServes(status, provider.probe_accept)) return `${hostname} answers, but does not serve: ${answer}`
  const proved = proofs > 0 ? 'asks for credentials and takes ours' : 'answers'
  return `${hostname} ${proved}: ${answer}`
}

/** Addresses which say nothing beside one that answers. */
function besides(tries: readonly AddressResult[]): string {
  const mute = tries.filter((one) => !answered(one))
  return mute.length === 0 || mute.length === tries.length ? '' : `; ${silence(mute)}`
}

function answered({ status }: AddressResult): boolean {
  return status !== 0
}

function refuses(status: number): boolean {
  return status === 401 || status === 403 || status === 407
}

function notFound(hostname: string, why: string): string {
  return `${hostname} cannot be found: ${why}`
}

function realmOf(response: Response): string | undefined {
  const name = response.status === 407 ? 'proxy-authenticate' : 'www-authenticate'
  return response.all(name).flatMap(parseChallenges)[0]?.realm
}

/** What is written down of a test call while it runs. */
export class TestLog {
  readonly steps: TestStep[] = []
  readonly mute: { flow: Flow; why: string }[] = []
  /** The last word of the provider, and after how many milliseconds; undefined: it said nothing. */
  last: { response: Response; flow: Flow; ms: number; proofs: number } | undefined
  /** Addresses which were not called, since keys would be read on the way. */
  readonly open: Flow[] = []
  /** Why no address was found. */
  lost: string | undefined
  readonly #hostname: string
  readonly #since: number

  constructor(hostname: string, now: MonotonicMs) {
    this.#hostname = hostname
    this.#since = now
  }

  located(now: MonotonicMs, { flows, why = 'no address found' }: Located): void {
    if (flows.length === 0) this.lost = why
    this.steps.push(locateStep(this.#hostname, { found: flows, locateMs: now - this.#since, why }))
  }

  spoke(now: MonotonicMs, { flow, at }: SentInvite, response: Response, proofs: number): void {
    const ms = now - at
    this.last = { response, flow, ms, proofs }
    const ok = response.status < 300 || carries(response.status)
    this.steps.push({
      step: 'invite',
      ok,
      words: `${describeFlow(flow)}: ${statusLine(response)}`,
      ms: whole(ms),
    })
  }

  /** Its sound has to be encrypted, and its signalling is not. */
  inTheOpen(flow: Flow): void {
    this.open.push(flow)
    const words = `${describeFlow(flow)}: not called, ${needsTls}`
    this.steps.push({ step: 'invite', ok: false, words, ms: 0 })
  }

  silent(now: MonotonicMs, { flow, at }: SentInvite, why: string): void {
    this.mute.push({ flow, why })
    this.steps.push({
      step: 'invite',
      ok: false,
      words: `${describeFlow(flow)}: ${why}`,
      ms: whole(now - at),
    })
  }
}

const needsTls = 'its sound has to be encrypted (secure is required), which takes TLS'

type SentInvite = { readonly flow: Flow; readonly at: number }

/** What a test call says about its provider; `address` is ours, as the provider knows it. */
export function callReport(provider: ProviderFacts, log: TestLog, address: string): TestReport {
  const { hostname } = provider
  const { steps, last, mute, lost, open } = log
  if (lost !== undefined) return { ok: false, verdict: notFound(hostname, lost), steps, status: 0 }
  const [first] = open
  if (!last && mute.length === 0 && first)
    return { ok: false, verdict: `${hostname} is at ${describeFlow(first)}: ${needsTls}`, steps, status: 0 }
  if (!last && mute.length === 0)
    return { ok: false, verdict: notFound(hostname, 'DNS took too long'), steps, status: 0 }
  if (!last) return { ok: false, verdict: silence(mute), steps, status: 0 }
  const { response, flow, ms, proofs } = last
  const { status } = response
  const refused = refusal(provider, response, proofs, address)
  const place = `${statusLine(response)} from ${describeFlow(flow)}`
  const verdict = refused ?? `${hostname} ${callWords(response, ms)}: ${place}`
  return { ok: refused === undefined && (status < 300 || carries(status)), verdict, steps, status }
}

function callWords(response: Response, ms: number): string {
  const { status } = response
  const after = `after ${(ms / 1000).toFixed(1)} s`
  if (status < 200) return `takes the call, it rings ${after}`
  if (status < 300) return `takes the call, it is answered ${after}`
  if (status === 486 || status === 600) return `takes the call, the number is busy ${after}`
  if (status === 480 || status === 603) return `takes the call, nobody wants it ${after}`
  if (status === 404 || status === 484 || status === 604) return `does not know the number ${after}`
  if (refusesKeys(status) && asksForKeys(response)) return `wants SRTP, and not as it was offered ${after}`
  if (status === 488 || status === 606) return `takes no PCMU or PCMA ${after}`
  return `does not take the call ${after}`
}

/** Whether a refusal is the callee speaking: the provider has carried the call. */
function carries(status: number): boolean {
  return status === 486 || status === 600 || status === 480 || status === 603
}
