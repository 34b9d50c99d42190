import { getServers } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { type Port, portNumber } from '#contract'
import { askServers, type NameServer } from './name-servers.ts'

/** An SRV record (RFC 2782). */
export interface Srv {
  readonly name: string
  readonly port: Port
  readonly priority: number
  readonly weight: number
}

/** A NAPTR record (RFC 3403 §4.1). */
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

/**
 * The machine's name servers, or those given as `192.0.2.53` or `192.0.2.53:5353`; its hosts file first.
 *
 * Never the thread pool, except for names without a dot. A look-up throws where DNS gives no answer.
 */
export function systemResolver(given: readonly string[] = []): Resolver {
  const servers = (given.length > 0 ? given : getServers()).map(placeOf)
  return {
    async naptr(name) {
      const { records, ttl } = await askServers(servers, name, 'NAPTR')
      return { records: records.map(({ services, ...record }) => ({ ...record, service: services })), ttl }
    },
    async srv(name) {
      const { records, ttl } = await askServers(servers, name, 'SRV')
      return {
        records: records.map(({ target, port, priority = 0, weight = 0 }) => ({
          name: target,
          port: portNumber(port),
          priority,
          weight,
        })),
        ttl,
      }
    },
    async addresses(name) {
      const local = loopback(name) ?? (await hosts(name))
      if (local.length > 0) return { records: local, ttl: 5 }
      if (!name.includes('.')) return { records: await lookedUp(name), ttl: usualTtl }
      const both = await Promise.allSettled([
        askServers(servers, name, 'A'),
        askServers(servers, name, 'AAAA'),
      ])
      const answers = both.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
      const full = answers.filter(({ records }) => records.length > 0)
      const failed = both.find((answer) => answer.status === 'rejected')
      // Half an answer is one, but half of none is not.
      if (full.length === 0 && failed !== undefined) throw failed.reason
      const ttl = Math.min(...(full.length > 0 ? full : answers).map((answer) => answer.ttl))
      return { records: answers.flatMap(({ records }) => records), ttl }
    },
  }
}

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`. */
function placeOf(text: string): NameServer {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d+))?$/.exec(text) ?? []
  return { address: bracketed ?? plain ?? text, port: portNumber(Number(port ?? 53)) }
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
