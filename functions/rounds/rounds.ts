import { type UtcMs, utcMs } from '#contract'
import { utcNow } from '../clock.ts'
import { quietly } from '../env.ts'
import { causesOf, log } from '../log.ts'
import {
  houseAt,
  isUsed,
  type LookFindings,
  lookAt,
  looked,
  type RoundsPlan,
  stirred,
  unknownPlan,
} from './plan.ts'
import { round } from './round.ts'

/**
 * The Durable Object which looks for what is due (`ROUNDS` in wrangler.toml): by an alarm, when what is due was written
 * down to be, and while others use the database. Otherwise it leaves the database alone, which may sleep.
 */
export class Rounds {
  readonly #storage: DurableObjectStorage
  readonly #env: object
  #plan: RoundsPlan | undefined
  #alarmAt: UtcMs | undefined

  constructor({ storage }: Pick<DurableObjectState, 'storage'>, env: object) {
    this.#storage = storage
    this.#env = quietly(env)
  }

  async fetch(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname.slice(1)
    const now = utcNow()
    const plan = await this.#known()
    if (path === 'used') return Response.json({ used: isUsed(plan, now) })
    await this.#keep(path === 'stir' ? stirred(plan, now) : plan)
    return Response.json({ look_at: this.#alarmAt })
  }

  async alarm(): Promise<void> {
    this.#alarmAt = undefined
    const [before, now] = [await this.#known(), utcNow()]
    const found = await this.#look(houseAt(before) <= now)
    // It may have been stirred meanwhile.
    await this.#keep(looked(await this.#known(), now, found))
  }

  /** undefined: the database does not say. */
  async #look(house: boolean): Promise<LookFindings | undefined> {
    try {
      return { dueInMs: await round(this.#env, house), house }
    } catch (error) {
      log('warn', 'rounds.interrupted', { causes: causesOf(error) })
      return undefined
    }
  }

  async #known(): Promise<RoundsPlan> {
    this.#plan ??= (await this.#storage.get<RoundsPlan>('plan')) ?? unknownPlan
    return this.#plan
  }

  /** Writes a plan down where it is another, and sets the alarm by it. */
  async #keep(plan: RoundsPlan): Promise<void> {
    if (plan !== this.#plan || this.#alarmAt === undefined) await this.#storage.put('plan', plan)
    this.#plan = plan
    const at = utcMs(Math.max(lookAt(plan), utcNow()))
    if (this.#alarmAt !== undefined && this.#alarmAt <= at) return
    this.#alarmAt = at
    await this.#storage.setAlarm(at)
  }
}
