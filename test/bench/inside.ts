import { soon } from '../support/wait.ts'

/** A Node process seen from inside, by its inspector. */
export interface Inside {
  /** Octets of its heap which are in use once all garbage is gone. */
  heap(): Promise<number>
  close(): void
}

/** Looks into a process which was started with `--inspect-port` (a signal opens that port), and tells it from then on what to do. */
export async function lookInside(pid: number, port: number): Promise<Inside> {
  process.kill(pid, 'SIGUSR1')
  const socket = new WebSocket(await soon('the inspector', () => addressAt(port)))
  await new Promise<void>((opened, failed) => {
    socket.addEventListener('open', () => opened(), { once: true })
    socket.addEventListener('error', () => failed(new Error('the inspector shut its door')), { once: true })
  })
  let last = 0
  const ask = (method: string) => {
    const id = ++last
    const answer = new Promise<Record<string, number>>((answered) => {
      const hear = ({ data }: MessageEvent) => {
        const said = JSON.parse(String(data)) as { id?: number; result: Record<string, number> }
        if (said.id !== id) return
        socket.removeEventListener('message', hear)
        answered(said.result)
      }
      socket.addEventListener('message', hear)
    })
    socket.send(JSON.stringify({ id, method }))
    return answer
  }
  return {
    async heap() {
      // What one collection lets go of may hold what the next one finds.
      for (let times = 0; times < 3; times++) await ask('HeapProfiler.collectGarbage')
      return (await ask('Runtime.getHeapUsage')).usedSize ?? 0
    },
    close: () => socket.close(),
  }
}

async function addressAt(port: number): Promise<string | undefined> {
  const listed = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => undefined)
  const [one] = ((await listed?.json()) ?? []) as { webSocketDebuggerUrl: string }[]
  return one?.webSocketDebuggerUrl
}
