#!/usr/bin/env node
/*
 * `npx trunkline`: under whichever Node npm has, with or without packages; what follows runs under the Node which is installed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..')
const installed = join(root, 'node_modules', '.bin', 'node')

const setup = spawnSync(process.execPath, [join(here, '..', 'local', 'setup.mjs')], {
  // What it says of installing is no answer of a command.
  stdio: ['ignore', 2, 2],
})
if (setup.status !== 0) process.exit(setup.status ?? 1)

const node = existsSync(installed) ? installed : process.execPath
const command = [join(here, 'main.ts'), ...process.argv.slice(2)]
const child = spawn(node, ['--no-warnings', ...command], { stdio: 'inherit' })
// Ctrl-C reaches both: the command says how it ends.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.once('exit', (code, signal) =>
  process.exit(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0)),
)
