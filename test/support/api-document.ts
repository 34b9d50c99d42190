import type { ErrorObject } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

/** What a client has which knows the API by `openapi.json` alone. */
export interface DocumentedOperation {
  readonly id: string
  readonly method: string
  /** With its parameters in braces. */
  readonly path: string
  readonly scopes: readonly string[]
  /** Whether its body may be left out; undefined: it takes none. */
  readonly mayBeBare: boolean | undefined
  /** The status which its example is answered with, and any other which is no refusal. */
  readonly successes: readonly string[]
  readonly example: { parameters: Parameter[]; body: unknown; answer: unknown }
  /** Where in the document it is. */
  readonly pointer: string
}
export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly example?: unknown
}

/** An OpenAPI document as a client reads it, which judges answers: a key which is not declared is a fault, too. */
export class ApiDocument {
  readonly operations: readonly DocumentedOperation[]
  readonly #document: Json
  /** Most of its schemas judge a few answers: to make their code short takes longer than to run it as it is. */
  readonly #ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    validateFormats: true,
    code: { optimize: false },
  })

  constructor(document: unknown) {
    this.#document = closed(document) as Json
    formats.default(this.#ajv)
    this.#ajv.addSchema(this.#document, 'openapi.json')
    this.operations = Object.entries(this.#document.paths as Json).flatMap(([path, methods]) =>
      Object.entries(methods as Json).map(([method, operation]) =>
        this.#read(path, method, operation as Json),
      ),
    )
  }

  operation(id: string): DocumentedOperation {
    const found = this.operations.find((one) => one.id === id)
    if (!found) throw new Error(`The document has no operation ${id}.`)
    return found
  }

  /** The operation which a request asks for; undefined: there is none at that place. */
  operationAt(method: string, url: string): DocumentedOperation | undefined {
    const [path = ''] = url.split(/[?#]/)
    const there = this.operations.filter((one) => matches(one.path, path))
    const exactly = there.filter((one) => !one.path.includes('{'))
    return (exactly.length > 0 ? exactly : there).find((one) => one.method === method)
  }

  /** What is wrong with an answer, or with an example of one; nothing: it is as the document says. */
  faultsOfAnswer({ pointer, id }: DocumentedOperation, status: number, body: unknown): string[] {
    const place = this.#follow(`${pointer}/responses/${status}`)
    const response = this.#at(place)
    if (response === undefined) return [`${id}: ${status} is not declared: ${JSON.stringify(body)}`]
    if (response.content === undefined) return body === undefined ? [] : [`${id}: ${status} has a body`]
    const [media = ''] = Object.keys(response.content as Json)
    return this.#faults(`${id} ${status}`, `${place}/content/${escaped(media)}/schema`, body)
  }

  /** What is wrong with a body to be sent. */
  faultsOfBody({ pointer, id }: DocumentedOperation, body: unknown): string[] {
    const place = `${pointer}/requestBody`
    if (this.#at(place) === undefined) return body === undefined ? [] : [`${id} takes no body`]
    return this.#faults(id, `${place}/content/application~1json/schema`, body)
  }

  #faults(what: string, pointer: string, value: unknown): string[] {
    const validate = this.#ajv.getSchema(`openapi.json#${pointer}`)
    if (!validate) throw new Error(`No schema at ${pointer}.`)
    if (validate(value)) return []
    return (validate.errors ?? []).map((error) => `${what}: ${inWords(error)}`)
  }

  #read(path: string, method: string, operation: Json): DocumentedOperation {
    const pointer = `/paths/${escaped(path)}/${method}`
    const successes = Object.keys(operation.responses as Json).filter(
      (status) => Number(status) < 300 || status === '307',
    )
    const contents = this.#at(`${pointer}/responses/${successes[0]}/content`) ?? {}
    const [answer] = Object.values(contents) as (Json | undefined)[]
    const body = this.#at(`${pointer}/requestBody/content/application~1json`)
    const whole = this.#at(`${pointer}/requestBody`)
    const parameters = ((operation.parameters ?? []) as Json[]).map((_, at) =>
      this.#at(this.#follow(`${pointer}/parameters/${at}`)),
    )
    return {
      id: String(operation.operationId),
      method: method.toUpperCase(),
      path,
      scopes: Object.values(((operation.security as Json[])[0] ?? {}) as Record<string, string[]>).flat(),
      mayBeBare: whole && whole.required !== true,
      successes,
      example: {
        parameters: parameters as unknown as Parameter[],
        body: body?.example,
        answer: answer?.example,
      },
      pointer,
    }
  }

  /** The place itself, or the one which it refers to. */
  #follow(pointer: string): string {
    const reference = this.#at(pointer)?.$ref
    return typeof reference === 'string' ? reference.slice(1) : pointer
  }

  #at(pointer: string): Json | undefined {
    const keys = pointer
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    return keys.reduce<Json | undefined>((part, key) => part?.[key] as Json | undefined, this.#document)
  }
}
type Json = Record<string, unknown>

/** The same with every object that says its keys closed to others. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed)
  if (typeof part !== 'object' || part === null) return part
  const entries = Object.entries(part).map(([key, value]) => [key, key === 'example' ? value : closed(value)])
  const same = Object.fromEntries(entries) as Json
  const open =
    same.type === 'object' && same.properties !== undefined && same.additionalProperties === undefined
  return open ? { ...same, additionalProperties: false } : same
}

function matches(template: string, path: string): boolean {
  const parts = template.split('/')
  const given = path.replace(/\/$/, '').split('/')
  return (
    given.length === parts.length &&
    parts.every((part, at) => (part.startsWith('{') ? given[at] !== '' : part === given[at]))
  )
}

function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

function inWords({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath || 'it'} ${message} ${JSON.stringify(params)}`
}
