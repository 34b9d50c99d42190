import type { Calls } from '../call/calls.ts'
import type { Flow } from '../ground/flow.ts'
import type { RoutingClient } from '../policy/routing-client.ts'
import type { Providers } from '../providers/providers.ts'
import type { Registrar } from '../registrar/registrar.ts'
import type { AdmissionControl } from './admission.ts'

interface KnownFlowsDeps {
  readonly registrar: Registrar
  readonly calls: Calls
  readonly providers: Providers
  readonly admission: AdmissionControl
  readonly routing: RoutingClient
}

/** Which connections are no stranger's. */
export class KnownFlows {
  readonly #deps: KnownFlowsDeps

  constructor(deps: KnownFlowsDeps) {
    this.#deps = deps
  }

  /** Whether phones or calls hang on this connection: silent or not, it must stay. */
  needs(flow: Flow): boolean {
    const { registrar, calls, providers } = this.#deps
    return registrar.needs(flow) || calls.index.needs(flow) || providers.needs(flow)
  }

  /** Whether who is at the other end has proved who it is over this connection, or calls from a provider's or PBX's address. */
  knows(flow: Flow): boolean {
    const { registrar, providers, admission, routing } = this.#deps
    if (admission.hasProved(flow) || registrar.needs(flow)) return true
    return providers.needs(flow) || routing.isFamiliar(flow.address)
  }
}
