import type { ApiDocument, DocumentedOperation } from './api-document.ts'

/** What was answered. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely, and fail where they err.
  readonly body: any
}
/** Carries a request out: over HTTP, or to the Worker itself. */
export type Carry = (path: string, init: RequestInit) => Promise<Response>

/**
 * A client which knows the API by its document alone. It sends the examples; where one names something by an id, it
 * first carries out the operation whose example is answered with that id, and then names what it got.
 */
export class DocumentedClient {
  readonly document: ApiDocument
  /** Ids of the examples, and what they are here. */
  readonly known = new Map<string, string>()
  readonly #carry: Carry
  readonly #key: string

  constructor(document: ApiDocument, carry: Carry, key: string) {
    this.document = document
    this.#carry = carry
    this.#key = key
  }

  /** Sends an operation's example, after everything which it leans on. Throws what its answer has wrong. */
  async reach(id: string): Promise<Answered> {
    const operation = this.document.operation(id)
    for (const unknown of idsIn(requestOf(operation)).filter((one) => !this.known.has(one))) {
      const source = this.#sourceOf(unknown, operation)
      if (source) await this.reach(source.id)
    }
    return this.send(operation)
  }

  /** Sends an operation's example as it is, but for ids which are known, and `changes`. */
  async send(operation: DocumentedOperation, changes: Changes = {}): Promise<Answered> {
    const answer = await this.attempt(operation, changes)
    const faults = this.document.faultsOfAnswer(operation, answer.status, answer.body)
    if (!operation.successes.includes(String(answer.status)))
      faults.push(`${operation.id}: ${answer.status} ${JSON.stringify(answer.body)}`)
    if (faults.length > 0) throw new Error(faults.join('\n'))
    this.#learn(operation.example.answer, answer.body)
    return answer
  }

  /** The same, whatever comes of it. */
  async attempt(
    { method, path, example, scopes }: DocumentedOperation,
    changes: Changes = {},
  ): Promise<Answered> {
    const filled = this.#real({ ...parametersAt('path', example.parameters), ...changes.path }) as Named
    const query = this.#real({ ...parametersAt('query', example.parameters), ...changes.query }) as Named
    const url = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(filled[name] ?? ''))
    const whole = example.body === undefined ? undefined : JSON.stringify(this.#real(example.body))
    const body = changes.body === null ? undefined : (changes.body ?? whole)
    const words = new URLSearchParams(query).toString()
    const response = await this.#carry(`${url}${words && `?${words}`}`, {
      method,
      headers: {
        ...(scopes.length > 0 && { authorization: `Bearer ${this.#key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...changes.headers,
      },
      ...(body !== undefined && { body }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : isJson(response) ? JSON.parse(text) : text,
    }
  }

  /** The operation whose example is answered with that id: the one which makes it, else one which lists it. */
  #sourceOf(id: string, asking: DocumentedOperation): DocumentedOperation | undefined {
    const others = this.document.operations.filter(
      (one) => one !== asking && !idsIn(requestOf(one)).includes(id),
    )
    const makes = others.find(({ method, example }) => method === 'POST' && idOf(example.answer) === id)
    return (
      makes ?? others.find(({ method, example }) => method === 'GET' && idsIn(example.answer).includes(id))
    )
  }

  /** Ids stand in an answer where they stand in the example of it. */
  #learn(example: unknown, real: unknown): void {
    if (typeof example === 'string' && typeof real === 'string' && uuid.test(example))
      this.known.set(example, real)
    if (typeof example !== 'object' || example === null || typeof real !== 'object' || real === null) return
    for (const [key, part] of Object.entries(example)) this.#learn(part, Reflect.get(real, key))
  }

  #real(example: unknown): unknown {
    if (typeof example === 'string') return this.known.get(example) ?? example
    if (Array.isArray(example)) return example.map((one) => this.#real(one))
    if (typeof example !== 'object' || example === null) return example
    return Object.fromEntries(Object.entries(example).map(([key, part]) => [key, this.#real(part)]))
  }
}

/** What is sent instead of the example's. */
export interface Changes {
  readonly path?: Named
  readonly query?: Named
  readonly headers?: Named
  /** null: none. */
  readonly body?: string | null
}
type Named = Record<string, string>

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/

function isJson({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('application/json') ?? false
}

function requestOf({ example }: DocumentedOperation): unknown[] {
  return [...example.parameters.map((one) => one.example), example.body]
}

function idsIn(part: unknown): string[] {
  if (typeof part === 'string') return uuid.test(part) ? [part] : []
  return typeof part === 'object' && part !== null ? Object.values(part).flatMap(idsIn) : []
}

function idOf(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'id') : undefined
}

function parametersAt(place: string, parameters: DocumentedOperation['example']['parameters']): Named {
  const given = parameters.filter((one) => one.in === place && one.example !== undefined)
  return Object.fromEntries(given.map(({ name, example }) => [name, String(example)]))
}
