import { posix } from 'node:path'
import { imports, type Source } from './source.ts'

/** The relay's rooms from the ground up: each may use itself and those before it. */
export const relayOrder = [
  'ground',
  'sip',
  'sdp',
  'media',
  'transaction',
  'dialog',
  'ua',
  'limits',
  'auth',
  'registrar',
  'leg',
  'call',
  'policy',
  'providers',
  'ingress',
  'engine',
  'rehearsal',
  'io',
  'main',
] as const

/** The edge's rooms in the same way; contract, flows, routing, console, command and local have doors of their own. */
export const edgeOrder = [
  'ground',
  'hub',
  'http',
  'store',
  'events',
  'alerts',
  'media',
  'rounds',
  'diagnosis',
  'config',
  'relay-api',
  'index',
] as const

/** Rooms of one floor: what customers configure, and what relays ask, know nothing of one another. */
const besides: readonly (readonly [string, string])[] = [['relay-api', 'config']]

/** Sentences for every import of a file which leads where it may not. */
export function trespasses({ path, text }: Source): string[] {
  return imports(text).flatMap(({ from }) => {
    const why = trespass(path, from)
    return why === undefined ? [] : [`${path} imports ${from}: ${why}`]
  })
}

function trespass(path: string, from: string): string | undefined {
  const house = houseOf(path)
  if (house === 'test') return undefined
  if (from.startsWith('node:'))
    return nodeAllowed(path) ? undefined : 'only io, main, local and test know Node'
  if (from.startsWith('#')) return doors[house].includes(from) ? undefined : `${house} has no such door`
  if (!from.startsWith('.'))
    return house === 'contract' && from !== 'zod' ? 'the contract knows only zod' : undefined
  if (!/\.tsx?$/.test(from)) return 'a relative import names the file, with .ts'
  return astray(path, posix.join(posix.dirname(path), from))
}

const doors: Readonly<Record<House, readonly string[]>> = {
  contract: [],
  db: ['#contract'],
  flows: ['#contract'],
  routing: ['#contract'],
  sound: [],
  console: ['#contract'],
  command: [],
  functions: ['#contract', '#db', '#flows', '#routing', '#sound'],
  local: ['#contract', '#db'],
  relay: ['#contract', '#flows', '#ip', '#routing', '#sound', '#units'],
  test: ['#contract', '#db', '#flows', '#routing', '#sound'],
}

type House =
  | 'contract'
  | 'flows'
  | 'routing'
  | 'sound'
  | 'console'
  | 'command'
  | 'db'
  | 'functions'
  | 'local'
  | 'relay'
  | 'test'

function houseOf(path: string): House {
  if (path.startsWith('functions/contract/')) return 'contract'
  if (path.startsWith('functions/flows/')) return 'flows'
  if (path.startsWith('functions/routing/')) return 'routing'
  if (path.startsWith('functions/sound/')) return 'sound'
  if (path.startsWith('functions/console/')) return 'console'
  if (path.startsWith('functions/command/')) return 'command'
  if (path.startsWith('functions/local/')) return 'local'
  const top = path.split('/')[0]
  return top === 'db' || top === 'functions' || top === 'relay' ? top : 'test'
}

function nodeAllowed(path: string): boolean {
  return /^(relay\/io\/|relay\/main\.ts$|functions\/(?:local|command)\/|db\/(seed|drizzle\.config)\.ts$)/.test(
    path,
  )
}

/** The one file of the console which names what the edge declares, and passes on types alone. */
const apiShown = 'functions/console/shown.ts'

/** What the command line has of the console: types of the API, and words which need no page. */
const shownToCommands = ['shown', 'call-sentence', 'event-stream'].map(
  (name) => `functions/console/${name}.ts`,
)

/** Why a relative import from one file to another is not allowed. */
function astray(path: string, target: string): string | undefined {
  const [from, to] = [houseOf(path), houseOf(target)]
  if (from === 'local' && to === 'functions') return undefined
  if (from === 'console' && to === 'functions')
    return path === apiShown ? undefined : `the console knows the edge by ${apiShown} alone`
  if (from === 'command' && to === 'console' && shownToCommands.includes(target)) return undefined
  if (from !== to) return `${from} enters ${to} by its door or not at all`
  if (from === 'functions') return upwards(edgeOrder, edgeRoom(path), edgeRoom(target))
  if (from !== 'relay') return undefined
  return upwards(relayOrder, relayRoom(path), relayRoom(target))
}

function upwards<Room extends string>(order: readonly Room[], from: Room, to: Room): string | undefined {
  if (besides.some(([one, other]) => one === from && other === to)) return `${to} stands beside ${from}`
  return order.indexOf(to) > order.indexOf(from) ? `${to} stands above ${from}` : undefined
}

/** Which of the edge's rooms a file lives in; one which is not in the order stands above all of them. */
export function edgeRoom(path: string): (typeof edgeOrder)[number] {
  const [, first = '', second] = path.split('/')
  if (second !== undefined) return edgeOrder.find((room) => room === first) ?? 'index'
  return first === 'index.ts' ? 'index' : 'ground'
}

/** Which of the relay's rooms a file lives in. */
export function relayRoom(path: string): (typeof relayOrder)[number] {
  const [, first = '', second] = path.split('/')
  if (second !== undefined) return relayOrder.find((room) => room === first) ?? 'main'
  return first === 'main.ts' ? 'main' : 'engine'
}

/** The part of the house which may not know what time it is. */
export function isCore(path: string): boolean {
  if (pureEdge.test(path)) return true
  return path.startsWith('relay/') && !path.startsWith('relay/io/') && path !== 'relay/main.ts'
}

/** What the edge decides and judges with; what asks the database and hurries stands beside it. */
const pureEdge = /^functions\/((contract|flows|routing|sound|diagnosis)\/|alerts\/(?!evaluator|hurry))/
