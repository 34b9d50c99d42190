import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { soon } from './wait.ts'

/** A terminal: one bash, in which what was set stays set. */
export class Terminal {
  readonly #shell: ChildProcess
  #output = ''
  #errors = ''

  /** `environment`: all that its commands inherit. */
  constructor(folder: string, environment: Record<string, string>) {
    const shell = spawn('bash', ['--noprofile', '--norc', '-o', 'pipefail'], {
      cwd: folder,
      env: environment,
      stdio: 'pipe',
      detached: true,
    })
    shell.stdout.on('data', (bytes) => (this.#output += String(bytes)))
    shell.stderr.on('data', (bytes) => (this.#errors += String(bytes)))
    this.#shell = shell
  }

  /** Types a command and waits until it is done; returns what it printed, throws what failed. */
  async type(command: string, ms = 60_000): Promise<string> {
    this.#output = this.#errors = ''
    this.#write(`{ ${command}\n} </dev/null; echo "${done} $?"`)
    const [, output = '', status] = await soon(`\`${command}\``, () => finished.exec(this.#output), ms)
    if (status !== '0') throw new Error(`\`${command}\` ended with ${status}: ${output}${this.#errors}`)
    return output
  }

  /** Types a command which goes on until Ctrl-C, and waits until it said `words`. */
  async start(command: string, words: string, ms = 90_000): Promise<void> {
    this.#write(`{ ${command}\n} </dev/null; exit $?`)
    const said = () => this.#output + this.#errors
    await soon(
      `\`${command}\` to say “${words}”`,
      () => {
        if (this.#shell.exitCode !== null) throw new Error(`\`${command}\` ended: ${said()}`)
        return said().includes(words)
      },
      ms,
    )
  }

  /** Ctrl-C, and the end of what it ends. */
  async interrupt(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return
    const gone = once(this.#shell, 'exit')
    const lost = setTimeout(() => this.#signal('SIGKILL'), 20_000)
    this.#signal('SIGINT')
    this.#shell.stdin?.end()
    await gone
    clearTimeout(lost)
  }

  #write(line: string): void {
    this.#shell.stdin?.write(`${line}\n`)
  }

  /** To all that runs in it, as a terminal does. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#shell.pid !== undefined) process.kill(-this.#shell.pid, signal)
  }
}

const done = '── done:'
const finished = new RegExp(`^([\\s\\S]*)${done} (\\d+)\\n$`)
