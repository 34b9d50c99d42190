import type { CodeSample, Parameter, PathOperation } from './openapi-document.ts'

/*
 * Requests to copy, one for each operation: in the document (`x-codeSamples`, which readers of OpenAPI show), on /docs
 * and in the console. They read where the API is, and the key, from the environment: API and KEY.
 */

/** A request of an operation, by the examples of its parameters and of its body. */
interface SampleRequest {
  readonly method: string
  /** From the root of the API, its parameters filled in. */
  readonly path: string
  readonly needsKey: boolean
  /** undefined: none is sent. */
  readonly body: unknown
  /** What is answered where it is done; undefined: nothing. */
  readonly media: string | undefined
}

/** How an operation is asked by curl, and by TypeScript. */
export function samplesOf(method: string, path: string, operation: PathOperation): CodeSample[] {
  const request = requestOf(method, path, operation)
  return [
    { lang: 'Shell', label: 'curl', source: inShell(request) },
    { lang: 'TypeScript', label: 'TypeScript', source: inTypeScript(request) },
  ]
}

function requestOf(method: string, path: string, operation: PathOperation): SampleRequest {
  const parameters = (operation.parameters ?? []).filter((one): one is Parameter => 'name' in one)
  const given = (place: Parameter['in']) =>
    parameters
      .filter((one) => one.in === place && one.example !== undefined)
      .map(({ name, example }) => ({ name, value: encodeURIComponent(String(example)) }))
  const filled = given('path').reduce((at, { name, value }) => at.replace(`{${name}}`, value), path)
  const query = given('query').map(({ name, value }) => `${name}=${value}`)
  const [answer] = Object.entries(operation.responses).filter(([status]) => Number(status) < 300)
  const content = answer && 'content' in answer[1] ? answer[1].content : undefined
  return {
    method: method.toUpperCase(),
    path: `${filled}${query.length > 0 ? `?${query.join('&')}` : ''}`,
    needsKey: operation.security?.length !== 0,
    body: operation.requestBody?.content['application/json'].example,
    media: Object.keys(content ?? {})[0],
  }
}

function inShell({ method, path, needsKey, body }: SampleRequest): string {
  const verb = method === 'GET' || (method === 'POST' && body !== undefined) ? '' : `-X ${method} `
  const words = [
    `curl ${verb}"$API${path}"`,
    ...(needsKey ? ['-H "Authorization: Bearer $KEY"'] : []),
    ...(body === undefined
      ? []
      : ["-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`]),
  ]
  return words.join(' \\\n  ')
}

/** As a shell takes it for one word and looks no further into it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function inTypeScript({ method, path, needsKey, body, media }: SampleRequest): string {
  const headers = [
    ...(needsKey ? ['Authorization: `Bearer ${KEY}`'] : []),
    ...(body === undefined ? [] : ["'Content-Type': 'application/json'"]),
  ]
  const parts = [
    ...(method === 'GET' ? [] : [`method: '${method}',`]),
    ...(headers.length === 0 ? [] : [`headers: { ${headers.join(', ')} },`]),
    ...(body === undefined ? [] : [`body: JSON.stringify(${JSON.stringify(body, null, 2)}),`]),
  ].map((part) => `\n  ${part.replaceAll('\n', '\n  ')}`)
  const options = parts.length === 0 ? '' : `, {${parts.join('')}\n}`
  return [
    `const { API${needsKey ? ', KEY' : ''} } = process.env`,
    `const response = await fetch(\`\${API}${path}\`${options})`,
    'if (!response.ok) throw new Error(await response.text())',
    ...readings(media),
  ].join('\n')
}

/** How an answer is read. */
function readings(media: string | undefined): string[] {
  if (media === undefined) return []
  if (media === 'application/json') return ['const answer = await response.json()']
  if (media === 'text/event-stream')
    return [
      'for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? [])',
      '  process.stdout.write(piece)',
    ]
  return media.startsWith('text/')
    ? ['const answer = await response.text()']
    : ['const answer = new Uint8Array(await response.arrayBuffer())']
}
