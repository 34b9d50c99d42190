import type { MediaSide } from '#contract'
import { type Api, openApi, type Row } from './api.ts'
import type { Stack } from './stack.ts'
import { soon } from './wait.ts'

/** A customer of one's own on a running stack, so that nothing of anybody else's is touched. */
export interface Customer {
  id: string
  realm: string
  /** The API with this customer's own access key. */
  api: Api
  /** That key. */
  key: string
  /** Takes it away again. */
  remove(): Promise<void>
}

/** Makes a customer and a key for it; needs an administrator's key, as `npm start` prints. */
export async function newCustomer({ api, local }: Stack, name: string): Promise<Customer> {
  const { id } = await api.post('/customers', { name })
  const key = await api.post(`/accesskeys?customer_id=${id}`, { name })
  return {
    id,
    realm: local.realm.replace(local.customer_id, id),
    api: openApi(local.api_url, String(key.token)),
    key: String(key.token),
    remove: () => api.delete(`/customers/${id}`),
  }
}

/** Until every relay which lives has heard of all that this customer configured, and has it. */
export async function changeHeard(stack: Pick<Stack, 'api'>, api: Api): Promise<void> {
  const { configuration_version: wanted } = await api.get('/customer')
  const heard = async () => {
    const alive = (await stack.api.list('/relays')).filter((relay) => relay.alive)
    return alive.length > 0 && alive.every(({ version }) => Number(version) >= Number(wanted))
  }
  await soon('every relay to hear of a change', heard, 60_000, 100)
}

/** A finished call as GET /v1.0/calls/{id} shows it, as far as we look. */
export interface CallRecord extends Row {
  status: string
  direction: string
  hangup_by: string | null
  hangup_reason: string | null
  attempts: { provider_name: string; address: string; status: number; decision: string | null }[]
  media: { from_caller: MediaSide; from_callee: MediaSide } | null
}

/** The calls there were at a moment, those included which were told of later. */
export class KnownCalls {
  readonly #ids: ReadonlySet<string>
  readonly #since: string

  /** `at`: ms since 1970. */
  constructor(ids: Iterable<string>, at: number) {
    this.#ids = new Set(ids)
    // A relay's clock is the edge's but for what the way of its answer took.
    this.#since = new Date(at - 1_000).toISOString()
  }

  /** Those which began after that moment, of a list. */
  others<R extends Row>(list: readonly R[]): R[] {
    return list.filter(({ id, tm_create }) => !this.#ids.has(id) && String(tm_create) > this.#since)
  }
}

export async function knownCalls(api: Api): Promise<KnownCalls> {
  const now = Date.now()
  return new KnownCalls(
    (await api.list('/calls')).map(({ id }) => id),
    now,
  )
}

/** The one call not `known`, once it has ended and, where there was sound, its counters were told. */
export function endedCall(api: Api, known: KnownCalls, sound = false): Promise<CallRecord> {
  return soon('the ended call to show', async () => {
    const [fresh] = known.others(await api.list('/calls'))
    const record = fresh === undefined ? undefined : ((await api.get(`/calls/${fresh.id}`)) as CallRecord)
    return record?.status === 'hangup' && (!sound || record.media) ? record : undefined
  })
}
