/*
 * Run by wrangler before it bundles the Worker (`[build]` in wrangler.toml): puts the console where `[assets]` says. Its policy names the
 * relays of SIP_WS_URLS, which the one who deploys has in the environment, as the Worker has it.
 */
import { fileURLToPath } from 'node:url'
import { readEnvironment, webSocketUrls } from '#contract'
import { writeConsole } from './console.ts'

const { settings, wrong } = readEnvironment({ SIP_WS_URLS: webSocketUrls.default([]) }, process.env)
if (wrong.length > 0) throw new Error(wrong.join('; '))
await writeConsole(fileURLToPath(new URL('../../.wrangler/console', import.meta.url)), settings.SIP_WS_URLS)
process.exit()
