/*
 * Run by wrangler before it bundles the Worker (`[build]` in wrangler.toml): puts the console where `[assets]` says.
 */
import { fileURLToPath } from 'node:url'
import { writeConsole } from './console.ts'

await writeConsole(fileURLToPath(new URL('../../.wrangler/console', import.meta.url)))
process.exit()
