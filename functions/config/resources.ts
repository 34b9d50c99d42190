import type { NounResource } from '../http/resource.ts'
import { accesskeys } from './accesskeys.ts'
import { alerts } from './alerts.ts'
import { customers } from './customers.ts'
import { drills } from './drills.ts'
import { extensions } from './extensions.ts'
import { flows } from './flows.ts'
import { numbers } from './numbers.ts'
import { prompts } from './prompts.ts'
import { providers } from './providers.ts'
import { routes } from './routes.ts'
import { trunks } from './trunks.ts'
import { webhooks } from './webhooks.ts'

/** The nouns of the configuration API, in the order in which one leads to another. */
export const resources: readonly NounResource[] = [
  customers,
  accesskeys,
  providers,
  routes,
  extensions,
  trunks,
  prompts,
  flows,
  numbers,
  webhooks,
  alerts,
  drills,
]
