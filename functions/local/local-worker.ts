/*
 * The Worker on one's own machine: the edge, and what else is asked of it there. At Cloudflare the console's files are
 * static assets, which cost the Worker nothing; here the process which started it has them, and no request of the API
 * goes a longer way because of them.
 */
import type { Context } from 'hono'
import type { Edge } from '../env.ts'
import app from '../index.ts'

/** Its Durable Objects. */
export * from '../index.ts'

for (const path of ['/', '/console.js', '/console.css', '/console/*']) app.get(path, atHome)
app.post('/local/sign-in', atHome)

export default app

/** Asks the process which started this Worker, where that answers for the console. */
async function atHome(c: Context<Edge>): Promise<Response> {
  const { HOME } = c.env as { HOME?: { fetch(request: Request): Promise<Response> } }
  return HOME?.fetch(c.req.raw) ?? c.notFound()
}
