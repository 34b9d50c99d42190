import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { rateLimits } from '../http/rate-limits.ts'
import type { Home } from './home.ts'
import { keptBuild } from './kept-build.ts'

/** The Worker, running on this machine. */
export interface RunningEdge {
  readonly url: string
  stop(): Promise<void>
}

interface EdgePlan {
  readonly host: string
  readonly port: number
  /** What the Worker is given on top of wrangler.toml's vars: addresses and secrets. */
  readonly bindings: Readonly<Record<string, string>>
  /** Where queues, objects and caches keep what they must not lose. */
  readonly folder: string
  /** What answers for the console; absent: there is none. */
  readonly home?: Home
  /** A line the Worker logged, or a failure of its own. */
  said(level: string, line: string): void
  /** Something a person should know: it died, it is back. */
  note(sentence: string): void
  /** It died and cannot be started again. */
  lost(error: Error): void
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Bundles the Worker as wrangler would and runs it in workerd, under wrangler.toml's settings. */
export async function startEdge(plan: EdgePlan): Promise<RunningEdge> {
  const { workerOptions, script } = await keptBuild(root, 'worker', buildWorker)
  const bindings: Bindings = { ...(workerOptions.bindings as Bindings | undefined), ...plan.bindings }
  protectWorkerd()
  const signalsAreOurs = keepSignals()
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      host: plan.host,
      port: plan.port,
      cf: false,
      log: watching(plan),
      unsafeHandleRuntimeRestart: () => plan.note('The edge is back.'),
      telemetry: { enabled: false },
      resourcePersistencePath: plan.folder,
      handleStructuredLogs: ({ level, message }) => plan.said(level, message),
      bindings,
      ...(plan.home && { serviceBindings: { HOME: plan.home.answer } }),
      ratelimits: limitersFor(workerOptions.ratelimits, bindings),
      modules: [{ type: 'ESModule', path: 'index.js', contents: script }],
    }),
  )
  await miniflare.ready
  signalsAreOurs()
  const clock = setInterval(() => void keepTime(miniflare), MINUTE_MS)
  const stop = () => {
    clearInterval(clock)
    return miniflare.dispose()
  }
  return { url: `http://${reachable(plan.host)}:${plan.port}`, stop }
}

const MINUTE_MS = 60_000

/** Does what Cloudflare does by `crons` in wrangler.toml. */
async function keepTime(miniflare: Miniflare): Promise<void> {
  try {
    const worker = await miniflare.getWorker()
    await worker.scheduled({ cron: '* * * * *' })
  } catch {
    // workerd is being started again; the next minute comes.
  }
}

type Bindings = Record<string, string>

/** What wrangler.toml has to count requests with, for as many as the settings say. */
function limitersFor(configured: unknown, bindings: Bindings) {
  const limiters = (configured ?? {}) as Record<
    string,
    { namespace_id: string; simple: { period?: 10 | 60 } }
  >
  const known = rateLimits.flatMap(({ binding, setting }) => {
    const [limiter, limit] = [limiters[binding], Number(bindings[setting] ?? 0)]
    if (limiter === undefined || limit === 0) return []
    return [[binding, { ...limiter, simple: { ...limiter.simple, limit } }] as const]
  })
  return Object.fromEntries(known)
}

/** Miniflare starts workerd again by itself when it died; all we hear of that is what it would log. */
function watching(plan: EdgePlan): Log {
  const log = new Log(LogLevel.NONE)
  log.warn = (message) => {
    if (message.includes('runtime crashed')) plan.note('The edge died; starting it again.')
  }
  log.error = (error) => {
    if ('code' in error && error.code === 'ERR_RUNTIME_FAILURE') plan.lost(error)
  }
  return log
}

/** An address to call what listens on `host`, as a URL writes it. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/** The Worker's script, and what wrangler.toml says of it. Both tools are loaded only where they are needed: that takes a second. */
async function buildWorker() {
  const { unstable_getMiniflareWorkerOptions } = await import('wrangler')
  const { assets: _, ...workerOptions } = unstable_getMiniflareWorkerOptions(
    `${root}wrangler.toml`,
  ).workerOptions
  return { workerOptions, script: await bundle(`${root}functions/local/local-worker.ts`) }
}

async function bundle(main: string): Promise<string> {
  const { build, stop } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [main],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*', 'cloudflare:*'],
    keepNames: true,
    sourcemap: 'inline',
    logLevel: 'silent',
    absWorkingDir: root,
  })
  // Its service would stay with us for as long as we run.
  await stop()
  return outputFiles[0]?.text ?? ''
}

/** Miniflare ends the whole process on Ctrl-C; the returned function takes back whatever it hooked up meanwhile. */
function keepSignals(): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const before = new Set(signals.flatMap((signal) => process.listeners(signal)))
  return () => {
    for (const signal of signals) {
      for (const listener of process.listeners(signal))
        if (!before.has(listener)) process.off(signal, listener)
    }
  }
}

/** Has miniflare start workerd through workerd.sh. */
function protectWorkerd(): void {
  const found: unknown = createRequire(import.meta.resolve('miniflare'))('workerd')
  const binary = (found as { default: string }).default
  process.env.TRUNKLINE_WORKERD = binary
  process.env.MINIFLARE_WORKERD_PATH = fileURLToPath(new URL('workerd.sh', import.meta.url))
}
