/** A row as the API shows it. */
export type Row = Record<string, unknown> & { id: string }

/** The public API as a customer's own script would use it. */
export interface Api {
  get(path: string): Promise<Row>
  /** All rows of a list, its pages followed to the end. */
  list(path: string): Promise<Row[]>
  post(path: string, body: object): Promise<Row>
  put(path: string, body: object): Promise<Row>
  patch(path: string, body: object): Promise<Row>
  delete(path: string): Promise<void>
}

/** Speaks to the API at `url` (without /v1.0) with an access key; an error answer is thrown with its sentence. */
export function openApi(url: string, key: string): Api {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}/v1.0${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status} ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }
  const row = (method: string) => async (path: string, body?: object) =>
    (await call(method, path, body)) as Row
  return {
    get: row('GET'),
    post: row('POST'),
    put: row('PUT'),
    patch: row('PATCH'),
    delete: async (path) => void (await call('DELETE', path)),
    async list(path) {
      const rows: Row[] = []
      for (let token = ''; ; ) {
        const page = (await call('GET', withToken(path, token))) as { result: Row[]; next_page_token: string }
        rows.push(...page.result)
        token = page.next_page_token
        if (token === '') return rows
      }
    },
  }
}

function withToken(path: string, token: string): string {
  if (token === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}page_token=${encodeURIComponent(token)}`
}
