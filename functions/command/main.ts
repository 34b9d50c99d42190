/*
 * `npx trunkline`: the API from a terminal.
 */
import { run } from './run.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
// A pipe whose reader has gone takes nothing more.
process.stdout.on('error', () => process.exit(0))
process.exitCode = await run(process.argv.slice(2), {
  environment: process.env,
  folder: process.cwd(),
  signal: stop.signal,
  terminal: {
    out: (line) => void process.stdout.write(`${line}\n`),
    aside: (line) => void process.stderr.write(`${line}\n`),
    colours: process.stdout.isTTY === true && !process.env.NO_COLOR,
  },
})
