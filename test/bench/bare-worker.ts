import { join } from 'node:path'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'

/** A bare Hono Worker in a workerd of its own. */
export interface BareWorker {
  url: string
  /** What it does instead of the edge, each a little more than the one before; `{path}/{number of the question}`. */
  steps: readonly { answer: string; path: string }[]
  stop(): Promise<void>
}

/** What one question came to at the edge: the statement as it was sent, what came of it, and the answer. */
interface Kept {
  answer: string
  asked?: string
}

/**
 * Starts it. At `/` it says little, as JSON; at its other paths it reads the body, if there is one, puts to `endpoint` nothing, the
 * shortest statement or the edge's own, reads what comes of it, and answers what the edge did.
 */
export async function bareWorker(endpoint = '', kept: readonly Kept[] = []): Promise<BareWorker> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { Hono } from 'hono'
        const statements = ${JSON.stringify(kept.map(({ asked }) => asked))}
        const answers = [${kept.map(({ answer }) => answer).join(',')}]
        const shortest = '{"query":"select 1","params":[]}'
        const headers = { 'Neon-Connection-String': ${JSON.stringify(`postgres://trunkline:${'0'.repeat(32)}@localhost/trunkline`)}, 'Neon-Raw-Text-Output': 'true', 'Neon-Array-Mode': 'true' }
        const put = async (body) => (await fetch(${JSON.stringify(endpoint)}, { method: 'POST', headers, body })).json()
        const answered = (statementOf) => async (c) => {
          if (c.req.method === 'POST') await c.req.json()
          const at = Number(c.req.param('at'))
          const statement = statementOf(at)
          if (statement) await put(statement)
          return c.json(answers[at])
        }
        export default new Hono().get('/', (c) => c.json({ well: true }))
          .all('/alone/:at', answered(() => undefined))
          .all('/shortest/:at', answered(() => shortest))
          .all('/own/:at', answered((at) => statements[at]))`,
      resolveDir: join(import.meta.dirname, '..', '..'),
    },
    bundle: true,
    write: false,
    format: 'esm',
  })
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      compatibilityDate: '2026-09-01',
      cf: false,
      modules: [{ type: 'ESModule', path: 'index.js', contents: outputFiles[0]?.text ?? '' }],
      telemetry: { enabled: false },
    }),
  )
  const url = String(await miniflare.ready)
  return { url, steps, stop: () => miniflare.dispose() }
}

const steps = [
  { answer: 'bare Hono, as many octets', path: 'alone' },
  { answer: '… which asks the database anything', path: 'shortest' },
  { answer: '… which asks it our statement', path: 'own' },
]
