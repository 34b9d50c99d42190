import type {
  CustomerFacts,
  ExtensionFacts,
  FlowFacts,
  NumberFacts,
  ProviderFacts,
  RouteFacts,
  TrunkFacts,
} from '#contract'

/**
 * Everything a decision looks up. Each look-up costs the same however much there is.
 *
 * At the edge it holds what one statement brought for one question, at a relay whole snapshots.
 */
export interface Configuration {
  customer(id: string): CustomerFacts | undefined
  extension(customerId: string, id: string): ExtensionFacts | undefined
  extensionNamed(customerId: string, name: string): ExtensionFacts | undefined
  trunk(customerId: string, id: string): TrunkFacts | undefined
  /** The trunk of the domain `{domainName}.trunk.{base}`. */
  trunkNamed(domainName: string): TrunkFacts | undefined
  flow(customerId: string, id: string): FlowFacts | undefined
  provider(id: string): ProviderFacts | undefined
  /**
   * A customer's routes whose target the number begins with, longest target first, `all` last; of one target
   * in the order of priority, creation, id.
   */
  routes(customerId: string, e164: string): readonly RouteFacts[]
  /** Likewise for a short number, whose targets have no plus. */
  shortRoutes(customerId: string, digits: string): readonly RouteFacts[]
  /** The first few of a customer's routes by creation, for explaining why those which do not match do not. */
  eldest(customerId: string): readonly RouteFacts[]
  /** A customer's routes whatever their target, by priority, creation, id: as many as one call may look at. */
  everyRoute(customerId: string): RouteFacts[]
  /** How many routes a customer has. */
  routeCount(customerId: string): number
  /** The customers which have exactly this number: one, but for a moment when it moves. */
  numbers(e164: string): readonly NumberFacts[]
  /** Ranges this number lies in, the latest beginning first. */
  ranges(e164: string): readonly NumberFacts[]
  /** Who takes whatever comes from a provider. */
  catchAlls(providerId: string): readonly NumberFacts[]
  /** Enabled providers and trunks which call from this address. */
  providersAt(address: string): readonly ProviderFacts[]
  trunksAt(address: string): readonly TrunkFacts[]
  /** The provider we registered with under this token. */
  line(token: string): ProviderFacts | undefined
}
