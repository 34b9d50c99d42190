/** What the API finds wrong with a field; `field` is its path, such as `source.target`. */
export interface FieldFault {
  readonly field: string
  readonly message: string
}

/** What the API refuses, or why it was not reached. */
export class Refused extends Error {
  /** 0: no answer came. */
  readonly status: number
  /** A word for programs. */
  readonly reason: string
  /** What is wrong with which field of what was sent; empty: it is no field's fault. */
  readonly faults: readonly FieldFault[]

  constructor(status: number, reason: string, message: string, faults: readonly FieldFault[] = []) {
    super(message)
    this.status = status
    this.reason = reason
    this.faults = faults
  }
}

/** A request of the API. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  /** Stays out where none is needed: the one-time sign-in. */
  readonly key?: string
  readonly signal?: AbortSignal
  /** It is refused where the thing is another by now. */
  readonly etag?: string
}

/** Asks the API of this page's own origin. Throws `Refused`. */
export async function ask<Answer>(asking: ApiRequest): Promise<Answer> {
  const response = await sent(asking)
  const text = await response.text()
  if (!response.ok) throw refusalIn(response.status, text)
  return (text === '' ? {} : JSON.parse(text)) as Answer
}

/** Asks it for what is no JSON. Throws `Refused`. */
export async function askForFile(asking: ApiRequest): Promise<Blob> {
  const response = await sent(asking)
  if (!response.ok) throw refusalIn(response.status, await response.text())
  return response.blob()
}

async function sent({ method = 'GET', path, body, key, signal, etag }: ApiRequest): Promise<Response> {
  const headers = {
    ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(etag === undefined ? {} : { 'If-Match': `"${etag}"` }),
  }
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  try {
    return await fetch(path, { method, headers, ...content, ...(signal && { signal }), cache: 'no-store' })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Refused(0, 'UNREACHED', 'The edge does not answer. Is it running, and this machine online?')
  }
}

function refusalIn(status: number, text: string): Refused {
  try {
    const { error } = JSON.parse(text)
    const fields = (error.details ?? []) as FieldFault[]
    const more = fields.map(({ field, message }) => ` ${field} ${message}.`).join('')
    return new Refused(
      status,
      error.reason,
      `${error.message}${error.message.includes(more.trim()) ? '' : more}`,
      fields,
    )
  } catch {
    return new Refused(status, 'UNKNOWN', `The edge answered ${status}, and did not say why.`)
  }
}
