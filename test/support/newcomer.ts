import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from './free-port.ts'

/** Who has just cloned the project: a folder with nothing in it but what is committed, and a shell of few words. */
export interface Newcomer {
  readonly folder: string
  /** All that is set in their shell, with ports which are free here. */
  readonly environment: Record<string, string>
  leave(): void
}

const root = join(import.meta.dirname, '..', '..')

/** Whether what our pages tell to use is installed here. */
export const hasTools = ['bash', 'curl', 'jq', 'git', 'openssl'].every(
  (tool) => spawnSync(tool, ['version']).error === undefined,
)

/** The packages are those of this checkout; where they cannot be linked, the first command installs them. */
export async function openNewcomer(): Promise<Newcomer> {
  const folder = mkdtempSync(join(tmpdir(), 'newcomer-'))
  const { status, stderr } = spawnSync('git', ['clone', '--quiet', '--no-hardlinks', root, folder])
  if (status !== 0) throw new Error(`nothing to clone: ${stderr}`)
  const modules = join(folder, 'node_modules')
  const linked = spawnSync('cp', ['--archive', '--link', join(root, 'node_modules'), modules])
  if (linked.status !== 0) rmSync(modules, { recursive: true, force: true })
  const leave = () => rmSync(folder, { recursive: true, force: true })
  return { folder, environment: await surroundings(), leave }
}

/** The Node is the system's, as a newcomer has it. */
async function surroundings(): Promise<Record<string, string>> {
  const path = (process.env.PATH ?? '').split(delimiter).filter((place) => !place.includes('node_modules'))
  return {
    HOME: homedir(),
    PATH: path.join(delimiter),
    PORT: String(await freePort('127.0.0.1')),
    SIP_PORT: String(await freePort('127.0.0.1')),
  }
}
