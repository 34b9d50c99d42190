import { readdirSync, readFileSync } from 'node:fs'
import { WebSocket } from 'ws'
import { soon } from '../support/wait.ts'

/** What a process of Node's holds, after a collection of its main thread's garbage. Sizes in bytes. */
export interface Held {
  readonly heapUsed: number
  readonly external: number
  /** Resident, once malloc has given back what is free. */
  readonly resident: number
  readonly descriptors: number
  readonly threads: number
}

/* Implementation */
/** Gives back to the system what malloc keeps of memory which is free; nothing where it is no glibc. */
const trim = `(() => {
  try {
    const ffi = process.getBuiltinModule('node:ffi')
    const { functions } = ffi.dlopen('libc.so.6', { malloc_trim: { return: 'i32', arguments: ['u64'] } })
    return functions.malloc_trim(0n)
  } catch (error) { return String(error) }
})()`

/** A process which was started with --inspect, looked into from outside: nothing of it is otherwise than in production. */
export class Inspected {
  readonly #socket: WebSocket
  readonly #pid: number
  readonly #waiting = new Map<number, (answer: { result?: unknown }) => void>()
  #last = 0

  private constructor(socket: WebSocket, pid: number) {
    this.#socket = socket
    this.#pid = pid
    socket.on('message', (text) => {
      const answer = JSON.parse(String(text)) as { id?: number; result?: unknown }
      this.#waiting.get(answer.id ?? -1)?.(answer)
      this.#waiting.delete(answer.id ?? -1)
    })
  }

  /** `port`: where it is to be inspected. */
  static async open(pid: number, port: number): Promise<Inspected> {
    const [target] = await soon('the inspector', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => undefined)
      return answer && ((await answer.json()) as { webSocketDebuggerUrl: string }[])
    })
    const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '')
    await new Promise((open, failed) => socket.once('open', open).once('error', failed))
    const inspected = new Inspected(socket, pid)
    await inspected.#ask('HeapProfiler.enable')
    return inspected
  }

  /** What it holds, once its garbage was collected. */
  async held(): Promise<Held> {
    for (let turn = 0; turn < 3; turn++) await this.#ask('HeapProfiler.collectGarbage')
    await this.#run(trim)
    const { heapUsed, external } = JSON.parse(await this.#run('JSON.stringify(process.memoryUsage())'))
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8')
    return {
      heapUsed,
      external,
      resident: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024,
      descriptors: readdirSync(`/proc/${this.#pid}/fd`).length,
      threads: Number(/Threads:\s+(\d+)/.exec(status)?.[1]),
    }
  }

  close(): void {
    this.#socket.close()
  }

  async #run(expression: string): Promise<string> {
    const { result } = await this.#ask('Runtime.evaluate', { expression, returnByValue: true })
    const { value } = (result as { result: { value: unknown } }).result
    return String(value)
  }

  #ask(method: string, params: object = {}): Promise<{ result?: unknown }> {
    const id = ++this.#last
    const answered = new Promise<{ result?: unknown }>((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method, params }))
    return answered
  }
}
