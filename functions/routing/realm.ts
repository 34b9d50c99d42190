/** The domain a customer's phones register in, which is also their digest realm. */
export function realmOf(customerId: string, baseDomain: string): string {
  return `${customerId}.registrar.${baseDomain}`
}

/** The customer a realm belongs to; undefined where it is no realm of ours. */
export function customerOf(realm: string, baseDomain: string): string | undefined {
  const [id = '', ...rest] = realm.toLowerCase().split('.')
  const ours = rest.join('.') === `registrar.${baseDomain.toLowerCase()}`
  return ours && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id : undefined
}

/** The domain a PBX registers and calls in, which is also its digest realm. */
export function trunkRealmOf(domainName: string, baseDomain: string): string {
  return `${domainName}.trunk.${baseDomain}`
}

/** The name of the trunk a domain belongs to; undefined where it is none of ours. */
export function trunkDomainOf(realm: string, baseDomain: string): string | undefined {
  const suffix = `.trunk.${baseDomain.toLowerCase()}`
  const domain = realm.toLowerCase()
  return domain.endsWith(suffix) && domain.length > suffix.length
    ? domain.slice(0, -suffix.length)
    : undefined
}
