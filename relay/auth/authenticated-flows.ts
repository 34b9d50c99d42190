import type { Flow } from '../ground/flow.ts'

/* Implementation */
/** A PBX with more connections than this has its oldest treated as a stranger's; registered phones do not count. */
const connectionsAtMost = 200

/** Over which connections who has proved to be whom. */
export class AuthenticatedFlows {
  readonly #accountByConnection = new Map<string, string>()
  /** In the order they proved it. */
  readonly #connectionsByAccount = new Map<string, Set<string>>()

  has(flow: Flow): boolean {
    return this.#accountByConnection.has(keyOf(flow))
  }

  add(flow: Flow, account: string): void {
    if (flow.connection === undefined) return
    this.forget(flow)
    const key = keyOf(flow)
    const connections = this.#connectionsByAccount.get(account) ?? new Set()
    this.#connectionsByAccount.set(account, connections.add(key))
    this.#accountByConnection.set(key, account)
    const [oldest = ''] = connections
    if (connections.size > connectionsAtMost) this.#remove(oldest)
  }

  /** The connection is gone. */
  forget(flow: Flow): void {
    this.#remove(keyOf(flow))
  }

  #remove(key: string): void {
    const account = this.#accountByConnection.get(key)
    if (account === undefined) return
    this.#accountByConnection.delete(key)
    const connections = this.#connectionsByAccount.get(account)
    connections?.delete(key)
    if (connections?.size === 0) this.#connectionsByAccount.delete(account)
  }
}

function keyOf({ transport, connection }: Flow): string {
  return `${transport} ${connection}`
}
