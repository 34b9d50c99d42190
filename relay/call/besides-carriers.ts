import { PLATFORM } from '#contract'
import type { Configuration } from '#routing'
import type { Located } from '../ground/effects.ts'

/**
 * Where a SIP address leads, without the platform's carriers: what they take from our address is called by number alone, as
 * whitelists, blocked numbers and minutes say. Another customer's carrier is no bar: a customer may name any host as one.
 */
export function besidesCarriers(located: Located, carriers: Pick<Configuration, 'providersAt'>): Located {
  const flows = located.flows.filter(({ address }) =>
    carriers.providersAt(address).every(({ customer_id }) => customer_id !== PLATFORM),
  )
  const isBarred = flows.length === 0 && located.flows.length > 0
  return isBarred
    ? { flows, why: 'a carrier of the platform is there, and is called by numbers alone' }
    : { ...located, flows }
}
