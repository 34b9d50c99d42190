import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'

/** The Worker, running on this machine. */
export interface Edge {
  readonly url: string
  stop(): Promise<void>
}

export interface EdgePlan {
  readonly host: string
  readonly port: number
  /** What the Worker is given on top of wrangler.toml's vars: addresses and secrets. */
  readonly bindings: Readonly<Record<string, string>>
  /** Where queues, objects and caches keep what they must not lose. */
  readonly folder: string
  /** A line the Worker logged, or a failure of its own. */
  said(level: string, line: string): void
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Bundles `functions/index.ts` as wrangler would and runs it in workerd, under wrangler.toml's settings. */
export async function startEdge(plan: EdgePlan): Promise<Edge> {
  const { workerOptions, main } = unstable_getMiniflareWorkerOptions(`${root}wrangler.toml`)
  const script = await bundle(main ?? `${root}functions/index.ts`)
  protectWorkerd()
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...workerOptions,
      host: plan.host,
      port: plan.port,
      cf: false,
      log: new Log(LogLevel.NONE),
      telemetry: { enabled: false },
      resourcePersistencePath: plan.folder,
      handleStructuredLogs: ({ level, message }) => plan.said(level, message),
      bindings: { ...(workerOptions.bindings as object | undefined), ...plan.bindings },
      modules: [{ type: 'ESModule', path: 'index.js', contents: script }],
    }),
  )
  await miniflare.ready
  return { url: `http://${plan.host}:${plan.port}`, stop: () => miniflare.dispose() }
}

async function bundle(main: string): Promise<string> {
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
  return outputFiles[0]?.text ?? ''
}

/** Has miniflare start workerd through workerd.sh. */
function protectWorkerd(): void {
  const found: unknown = createRequire(import.meta.resolve('miniflare'))('workerd')
  const binary = (found as { default: string }).default
  process.env.TRUNKLINE_WORKERD = binary
  process.env.MINIFLARE_WORKERD_PATH = fileURLToPath(new URL('workerd.sh', import.meta.url))
}
