import { lookup, Resolver as NodeResolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'

export interface Srv {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

export interface Naptr {
  readonly flags: string
  readonly service: string
  readonly replacement: string
  readonly order: number
  readonly preference: number
}

/** Records and how many seconds they are good for. */
export interface Records<T> {
  readonly records: readonly T[]
  readonly ttl: number
}

/** A source of records: none are an empty list, a source which fails rejects. */
export interface Resolver {
  naptr(name: string): Promise<Records<Naptr>>
  srv(name: string): Promise<Records<Srv>>
  /** IPv4 and IPv6, without brackets. */
  addresses(name: string): Promise<Records<string>>
}

/** Where the resolver does not say. */
const usualTtl = 60

/** The machine's resolvers or `servers` (`address:port`), its hosts file first; never the thread pool, except for names without a dot. */
export function systemResolver(servers?: readonly string[]): Resolver {
  const resolver = new NodeResolver({ timeout: 1_000, tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  return {
    naptr: async (name) => ({ records: await some(resolver.resolveNaptr(name)), ttl: usualTtl }),
    srv: async (name) => ({ records: await some(resolver.resolveSrv(name)), ttl: usualTtl }),
    async addresses(name) {
      const local = loopback(name) ?? (await hosts(name))
      if (local.length > 0) return { records: local, ttl: 5 }
      if (!name.includes('.')) return { records: await lookedUp(name), ttl: usualTtl }
      const [four, six] = await Promise.allSettled([
        some(resolver.resolve4(name, { ttl: true })),
        some(resolver.resolve6(name, { ttl: true })),
      ])
      const found = [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
      const failed = [four, six].find((answer) => answer.status === 'rejected')
      // Half an answer is one, but half of none is not.
      if (found.length === 0 && failed !== undefined) throw failed.reason
      const ttl = found.length > 0 ? Math.min(...found.map((record) => record.ttl)) : usualTtl
      return { records: found.map(({ address }) => address), ttl }
    },
  }
}

/** That a name has no such record is an answer. */
async function some<T>(answer: Promise<T[]>): Promise<T[]> {
  try {
    return await answer
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENODATA' || code === 'ENOTFOUND') return []
    throw error
  }
}

/** RFC 6761 §6.3. */
function loopback(name: string): string[] | undefined {
  return name === 'localhost' || name.endsWith('.localhost') ? ['127.0.0.1', '::1'] : undefined
}

/** The machine's own list of names; one which cannot be read lists none. */
async function hosts(name: string): Promise<string[]> {
  const text = await readFile('/etc/hosts', 'utf8').catch(() => '')
  const found = new Set<string>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/)
    if (names.includes(name) && isIP(address)) found.add(address)
  }
  return [...found]
}

async function lookedUp(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND') return []
    throw error
  }
}
