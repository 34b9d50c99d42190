import type { Context, MiddlewareHandler } from 'hono'
import type { UtcMs } from '#contract'
import { networkAt } from '#routing'
import { utcNow } from '../clock.ts'
import type { Edge } from '../env.ts'
import { hashOfKey } from '../key-hashes.ts'
import { causesOf, log } from '../log.ts'
import { SOURCE_PREFIX } from '../wrong-keys.ts'
import { ApiError } from './api-error.ts'
import { presentedKey } from './authenticate.ts'
import { rateLimits } from './rate-limits.ts'

/** The window of every limit. The Workers binding knows 10 and 60 seconds. */
const WINDOW_S = 60

/** Cloudflare's rate limiting binding: it counts for all isolates of one location, and says only yes or no. */
interface RateLimitBinding {
  limit(options: { key: string }): Promise<{ success: boolean }>
}

/** One limit as it stands for a request; `remaining` is at most what is left, as far as this isolate has seen. */
interface LimitVerdict {
  name: string
  quota: number
  remaining: number
  passed: boolean
}

/**
 * Middleware: refuses with 429 what comes too often with one access key or from one address, before anything is looked
 * up. Says the limits in `RateLimit-Policy` and what is left in `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
 * A limit which is 0, or whose binding is absent, is none.
 */
export const rateLimited: MiddlewareHandler<Edge> = async (c, next) => {
  const now = utcNow()
  const verdicts = (await Promise.all(rateLimits.map((limit) => judge(c, limit, now)))).flat()
  if (verdicts.length > 0) tell(c, verdicts, now)
  const exceeded = verdicts.find(({ passed }) => !passed)
  if (exceeded === undefined) return next()
  const { name, quota } = exceeded
  const wait = secondsLeft(now)
  c.header('Retry-After', String(wait))
  const which = name === 'key' ? 'with this access key' : 'from this address'
  throw new ApiError(
    'TOO_MANY_REQUESTS',
    `More than ${quota} requests a minute came ${which}. Wait ${wait} s.`,
  )
}

async function judge(
  c: Context<Edge>,
  limit: (typeof rateLimits)[number],
  now: UtcMs,
): Promise<LimitVerdict[]> {
  const [quota, binding] = [c.get('settings')[limit.setting], bindingOf(c, limit.binding)]
  if (quota === 0 || binding === undefined) return []
  const key = await counted(c, limit.name)
  if (key === undefined) return []
  const remaining = Math.max(0, quota - seenWith(binding).count(key, now))
  const passed = await binding.limit({ key }).then(({ success }) => success, unwell)
  return [{ name: limit.name, quota, passed, remaining: passed ? remaining : 0 }]
}

/** A limiter which fails limits nothing. */
function unwell(error: unknown): true {
  log('warn', 'rate_limit.failed', { causes: causesOf(error) })
  return true
}

function bindingOf(c: Context<Edge>, name: string): RateLimitBinding | undefined {
  const binding: unknown = Reflect.get(c.env ?? {}, name)
  return typeof binding === 'object' && binding !== null ? (binding as RateLimitBinding) : undefined
}

/** Who is counted; undefined: the request does not say. Keys are counted by their hash, known or not. */
async function counted(c: Context<Edge>, what: 'key' | 'address'): Promise<string | undefined> {
  if (what === 'key') {
    const key = presentedKey(c)
    return key === undefined ? undefined : await hashOfKey(key)
  }
  const address = c.req.header('cf-connecting-ip')
  return address === undefined ? undefined : networkAt(address, SOURCE_PREFIX)
}

function tell(c: Context<Edge>, verdicts: LimitVerdict[], now: UtcMs): void {
  c.header(
    'RateLimit-Policy',
    verdicts.map(({ name, quota }) => `"${name}";q=${quota};w=${WINDOW_S}`).join(', '),
  )
  const left = verdicts.map(({ name, remaining }) => `"${name}";r=${remaining};t=${secondsLeft(now)}`)
  c.header('RateLimit', left.join(', '))
}

/** Until the window ends: all begin with a minute of the clock. */
function secondsLeft(now: UtcMs): number {
  return WINDOW_S - (Math.floor(now / 1000) % WINDOW_S)
}

/** What this isolate saw, by the binding which counts it for all. */
const seen = new WeakMap<RateLimitBinding, RequestsSeen>()

function seenWith(binding: RateLimitBinding): RequestsSeen {
  const requests = seen.get(binding) ?? new RequestsSeen()
  seen.set(binding, requests)
  return requests
}

/** Keys and addresses an isolate remembers in a window; beyond that it starts anew. */
const REMEMBERED = 4_096

/** Requests which this isolate has seen in the window under way: the binding does not say how many are left. */
class RequestsSeen {
  #window = 0
  readonly #counts = new Map<string, number>()

  /** Counts one more, and gives how many they are. */
  count(key: string, now: UtcMs): number {
    const window = Math.floor(now / 1000 / WINDOW_S)
    if (window !== this.#window || this.#counts.size >= REMEMBERED) this.#counts.clear()
    this.#window = window
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    return count
  }
}
