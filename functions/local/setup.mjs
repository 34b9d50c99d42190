/*
 * Runs before every npm script, under whichever Node npm was started with and without any package:
 * installs what package-lock.json asks for if it is not there, and makes sure a Node new enough will
 * run what follows. Several scripts may start at once; one installs, the others wait.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const modules = join(root, 'node_modules')
const lock = join(root, '.trunkline-setup')
const bundledNode = join(modules, '.bin', 'node')

const oldestInstaller = 18
const oldestRunner = 26

if (major(process.version) < oldestInstaller) {
  fail(`Trunkline needs Node ${oldestInstaller} or newer to install itself; this is ${process.version}.`)
}
if (!installed()) alone(() => installed() || install())
if (!nodeRuns()) {
  fail(
    `Trunkline runs on Node ${oldestRunner} or newer; this is ${process.version}, and npm has no Node ${oldestRunner} package for ` +
      `${process.platform}-${process.arch}. Install it from nodejs.org and try again.`,
  )
}

/** Whether node_modules holds what package-lock.json asks for, compared package by package. */
function installed() {
  if (isLink(modules)) return true
  const wanted = packages(join(root, 'package-lock.json'))
  const present = packages(join(modules, '.package-lock.json'))
  if (wanted === undefined)
    fail('package-lock.json is missing or broken; get it back with git and try again.')
  if (present === undefined) return false
  const stale = Object.keys(present).some((path) => present[path].version !== wanted[path]?.version)
  const missing = Object.keys(wanted).some((path) => path !== '' && needed(wanted[path]) && !present[path])
  return !stale && !missing
}

/** Optional packages may be meant for other machines. */
function needed({ optional, devOptional, peer }) {
  return !(optional || devOptional || peer)
}

function install() {
  process.stdout.write('Installing packages (once, about half a minute) …\n')
  const npm = process.env.npm_execpath
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 }
  const { status, stdout, stderr, error } = spawnSync(
    command,
    [...first, 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
    options,
  )
  if (status === 0) return
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`)
  fail('`npm ci` failed; npm said why above.')
}

/** Runs `work` while no other process of ours does; a lock whose owner died is taken over. */
function alone(work) {
  while (!take()) {
    if (!alive(owner())) rmSync(lock, { recursive: true, force: true })
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250)
  }
  process.once('exit', () => rmSync(lock, { recursive: true, force: true }))
  work()
}

function take() {
  try {
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), String(process.pid))
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    return fail(`Cannot write to ${root} (${error.code}); Trunkline installs its packages there.`)
  }
}

/** The pid which holds the lock; a lock just made and not yet signed counts as held. */
function owner() {
  try {
    return Number(readFileSync(join(lock, 'pid'), 'utf8'))
  } catch {
    const age = Date.now() - (lstatSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0)
    return age < 5000 ? process.pid : 0
  }
}

function alive(pid) {
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Whether scripts will find a Node new enough: npm puts node_modules/.bin first in PATH. */
function nodeRuns() {
  if (existsSync(bundledNode)) {
    const { status, stdout } = spawnSync(bundledNode, ['--version'], { encoding: 'utf8' })
    if (status === 0 && major(stdout) >= oldestRunner) return true
    rmSync(bundledNode)
  }
  const { stdout } = spawnSync('node', ['--version'], { encoding: 'utf8' })
  return major(stdout ?? '') >= oldestRunner
}

function packages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch {
    return undefined
  }
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

function major(version) {
  return Number(/^v?(\d+)/.exec(version.trim())?.[1] ?? 0)
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`)
  process.exit(1)
}
