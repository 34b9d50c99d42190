import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * A world with a NAT in it: three network namespaces of Linux.
 *
 *   inside 192.168.77.11, .12 ── NAT ── outside 10.99.0.1
 *
 * Sockets are opened wherever the test stands (`inside`, `outside`), and stay where they were opened.
 */
export interface NatWorld {
  readonly outside: string
  /** The NAT as seen from outside. */
  readonly nat: string
  readonly phones: readonly [string, string]
  /** From now on what is opened, and started, is opened there. */
  goInside(): void
  goOutside(): void
  /** The NAT forgets everything, and gives other ports from now on. */
  rebind(): void
  close(): void
}

const CLONE_NEWNET = 0x40000000
const [outside, nat, first, second] = ['10.99.0.1', '10.99.0.2', '192.168.77.11', '192.168.77.12']

/** Why there can be no such world here; undefined: there can. */
export function natObstacle(): string | undefined {
  if (process.platform !== 'linux') return `it needs Linux, and this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'making network namespaces needs root'
  try {
    run('ip', '-V')
    run('nft', '-v')
    run('conntrack', '-V')
    run('ip', 'netns', 'add', `${prefix()}try`)
    run('ip', 'netns', 'del', `${prefix()}try`)
  } catch (error) {
    return `it needs ip, nft and conntrack, and may make namespaces: ${(error as Error).message.split('\n')[0]}`
  }
  return undefined
}

/** `forgetsAfter`: seconds without a packet. */
export function openNatWorld(forgetsAfter: number): NatWorld {
  const [far, middle, near] = ['far', 'nat', 'near'].map((name) => `${prefix()}${name}`) as [
    string,
    string,
    string,
  ]
  const home = openSync('/proc/thread-self/ns/net', 'r')
  try {
    for (const space of [far, middle, near]) {
      run('ip', 'netns', 'add', space)
      within(space, 'ip', 'link', 'set', 'lo', 'up')
    }
    join(far, middle, 'out', [`${outside}/24`], [`${nat}/24`])
    join(near, middle, 'in', [`${first}/24`, `${second}/24`], ['192.168.77.1/24'])
    within(near, 'ip', 'route', 'add', 'default', 'via', '192.168.77.1')
    within(middle, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
    within(
      middle,
      'nft',
      'add table ip world; add chain ip world out { type nat hook postrouting priority 100; }',
    )
    within(middle, 'nft', 'add rule ip world out oifname "out" masquerade')
    for (const state of ['', '_stream'])
      within(middle, 'sysctl', '-qw', `net.netfilter.nf_conntrack_udp_timeout${state}=${forgetsAfter}`)
  } catch (error) {
    remove(far, middle, near)
    throw error
  }
  return {
    outside,
    nat,
    phones: [first, second],
    goInside: () => enter(`/run/netns/${near}`),
    goOutside: () => enter(`/run/netns/${far}`),
    rebind() {
      within(middle, 'nft', 'flush chain ip world out')
      within(middle, 'nft', 'add rule ip world out oifname "out" ip protocol udp masquerade to :40000-49999')
      within(middle, 'conntrack', '-D', '-p', 'udp')
    },
    close() {
      enter(home)
      closeSync(home)
      remove(far, middle, near)
    },
  }
}

/** Two namespaces by a cable whose ends are both called `name`. */
function join(one: string, other: string, name: string, addresses: string[], others: string[]): void {
  run('ip', 'link', 'add', name, 'netns', one, 'type', 'veth', 'peer', 'name', name, 'netns', other)
  for (const [space, list] of [
    [one, addresses],
    [other, others],
  ] as const) {
    for (const address of list) within(space, 'ip', 'addr', 'add', address, 'dev', name)
    within(space, 'ip', 'link', 'set', name, 'up')
  }
}

/** This thread goes there; sockets it has stay where they are. */
function enter(place: string | number): void {
  const { dlopen } = createRequire(import.meta.url)('node:ffi') as typeof import('node:ffi')
  const { functions } = dlopen(null, { setns: { arguments: ['i32', 'i32'], return: 'i32' } })
  const file = typeof place === 'string' ? openSync(place, 'r') : place
  const failed = functions.setns(file, CLONE_NEWNET) !== 0
  if (typeof place === 'string') closeSync(file)
  if (failed) throw new Error(`this thread cannot enter ${place}`)
}

function remove(...spaces: string[]): void {
  for (const space of spaces) {
    try {
      run('ip', 'netns', 'del', space)
    } catch {
      // It was never made.
    }
  }
}

function within(space: string, ...command: string[]): void {
  run('ip', 'netns', 'exec', space, ...command)
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function prefix(): string {
  return `sound-${process.pid}-`
}
