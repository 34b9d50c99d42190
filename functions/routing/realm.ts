/** The domain a customer's phones register in, which is also their digest realm. */
export function realmOf(customerId: string, baseDomain: string): string {
  return `${customerId}.registrar.${baseDomain}`
}

/** The customer a realm belongs to; undefined where it is no realm of ours. */
export function customerOf(realm: string, baseDomain: string): string | undefined {
  if (realm.length !== 36 + 11 + baseDomain.length) return undefined
  const [id, domain] = [realm.slice(0, 36).toLowerCase(), realm.slice(36).toLowerCase()]
  const ours = domain === `.registrar.${baseDomain.toLowerCase()}`
  return ours && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id : undefined
}

/** Whether a host is a customer's realm, letter for letter. */
export function isRealmOf(host: string, customerId: string, baseDomain: string): boolean {
  return (
    host.length === customerId.length + between.length + baseDomain.length &&
    host.startsWith(customerId) &&
    host.startsWith(between, customerId.length) &&
    host.endsWith(baseDomain)
  )
}

const between = '.registrar.'

/** The domain of a PBX, which is also its digest realm. */
export function trunkRealmOf(domainName: string, baseDomain: string): string {
  return `${domainName}.trunk.${baseDomain}`
}

/** The `domain_name` of the PBX a realm belongs to; undefined where it is no trunk's realm of ours. */
export function trunkDomainOf(realm: string, baseDomain: string): string | undefined {
  const [text, ending] = [realm.toLowerCase(), `.trunk.${baseDomain.toLowerCase()}`]
  const name = text.endsWith(ending) ? text.slice(0, -ending.length) : ''
  return /^[a-z][a-z0-9.-]{0,29}[a-z0-9]$/.test(name) ? name : undefined
}
