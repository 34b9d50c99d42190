import { utcNow } from '../clock.ts'
import { causesOf, log } from '../log.ts'

/** Words of one kind about times this close together are one: who is told looks for all that is due anyway. */
const TOGETHER_MS = 1_000

/** What Cloudflare's binding of a Queue does, as far as it is asked for. */
interface QueueBinding {
  send(body: unknown, options?: { delaySeconds?: number }): Promise<unknown>
}

/**
 * The Queue which has deliveries sent in an invocation of its own. Its messages say that something is due, not what:
 * Postgres knows. One which is lost, late or there twice makes nothing wrong, since cron looks every minute.
 */
export class DeliveryQueue {
  readonly #binding: QueueBinding
  /** When the last word which was to come at once went, and when those with a delay come (UTC ms). */
  #wentAt = Number.NEGATIVE_INFINITY
  readonly #comesAt = { more: Number.NEGATIVE_INFINITY, again: Number.NEGATIVE_INFINITY }

  constructor(binding: QueueBinding) {
    this.#binding = binding
  }

  /** Something is due. The first word goes at once; all of the second after it are one more, at its end. */
  now(): Promise<boolean> {
    const now = utcNow()
    if (now - this.#wentAt < TOGETHER_MS) return this.#within(TOGETHER_MS, 'more')
    this.#wentAt = now
    return this.#send(0)
  }

  /** Something will be due again. */
  after(ms: number): Promise<boolean> {
    return this.#within(ms, 'again')
  }

  async #within(ms: number, kind: 'more' | 'again'): Promise<boolean> {
    const [wanted, comes] = [utcNow() + ms, this.#comesAt[kind]]
    const covered = kind === 'more' ? comes > utcNow() : comes >= wanted && comes < wanted + TOGETHER_MS
    if (covered) return true
    const seconds = Math.ceil(ms / 1000)
    this.#comesAt[kind] = utcNow() + seconds * 1000
    return this.#send(seconds)
  }

  /** Whether the Queue took it. */
  async #send(delaySeconds: number): Promise<boolean> {
    try {
      await this.#binding.send('due', { delaySeconds })
      return true
    } catch (error) {
      log('warn', 'webhooks.unqueued', { causes: causesOf(error) })
      return false
    }
  }
}

/** The Queue of this Worker; undefined where wrangler.toml binds none. */
export function queueOf(env: object): DeliveryQueue | undefined {
  const binding: unknown = Reflect.get(env, 'DELIVERY_QUEUE')
  return isQueue(binding) ? new DeliveryQueue(binding) : undefined
}

function isQueue(binding: unknown): binding is QueueBinding {
  return typeof binding === 'object' && binding !== null && 'send' in binding
}
