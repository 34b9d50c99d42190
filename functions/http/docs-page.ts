import { html, raw } from 'hono/html'
import type { JsonSchema } from './json-schema.ts'
import type {
  ApiResponse,
  CodeSample,
  OpenApi,
  Parameter,
  PathOperation,
  Reference,
} from './openapi-document.ts'
import { nameOfReference, partsOf, schemaWords } from './schema-words.ts'

type Html = ReturnType<typeof html>

/**
 * The document as a page for people: whole in itself, without a script and without anything from elsewhere. `style` is
 * its style sheet, whose digest the Content-Security-Policy names.
 */
export function docsPage(document: OpenApi, style: string): Html {
  const { title, version, description } = document.info
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} API</title>
<link rel="icon" href="data:,">
<style>${raw(style)}</style>
</head>
<body>
<header>
<h1>${title} API <small>${version}</small></h1>
${description.split('\n\n').map((paragraph) => html`<p>${prose(paragraph)}</p>`)}
<p>For programs: <a href="/v1.0/openapi.json">openapi.json</a> (OpenAPI ${document.openapi}).</p>
</header>
<nav aria-label="Contents">${document.tags.map(({ name }) => contents(document, name))}
<a href="#shapes">Shapes</a></nav>
<main>
${document.tags.map((tag) => section(document, tag))}
<section id="shapes"><h2>Shapes</h2>
<p>Those which end in “Input” are sent. To the others, which are answered, keys may be added one day.</p>
${Object.entries(document.components.schemas).map(([name, schema]) => namedShape(name, schema))}
</section>
</main>
</body>
</html>`
}

interface Placed {
  readonly method: string
  readonly path: string
  readonly operation: PathOperation
}

function operationsOf({ paths }: OpenApi, tag: string): Placed[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => tags.includes(tag))
      .map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
}

function contents(document: OpenApi, tag: string): Html {
  const links = operationsOf(document, tag).map(
    ({ operation: { operationId, summary } }) => html`<li><a href="#${operationId}">${summary}</a></li>`,
  )
  return html`<details><summary>${tag}</summary><ul>${links}</ul></details>`
}

function section(document: OpenApi, { name, description }: OpenApi['tags'][number]): Html {
  return html`<section id="tag-${name}"><h2>${name}</h2><p>${prose(description)}</p>
${operationsOf(document, name).map((placed) => article(document, placed))}</section>`
}

function article(document: OpenApi, placed: Placed): Html {
  const { method, path, operation } = placed
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation
  const body = requestBody?.content['application/json']
  return html`<article id="${operationId}">
<h3><b class="${method}">${method}</b> <code>${path}</code></h3>
<p>${summary}. <small>${operationId}${scopeWords(operation)}</small></p>
${description === undefined ? '' : html`<p>${prose(description)}</p>`}
${samples(operation['x-codeSamples'] ?? [])}
${list(
  'Parameters',
  parameters.map((one) => parameterRow(parameterAt(document, one))),
)}
${body ? schemaBlock(requestBody?.required ? 'Body' : 'Body, which may be left out', body.schema) : ''}
${Object.entries(responses).map(([status, response]) => answer(document, status, response))}
</article>`
}

function scopeWords({ security = [] }: PathOperation): string {
  const scopes = Object.values(security[0] ?? {}).flat()
  return scopes.length === 0 ? ' · needs no key' : ` · needs a key for “${scopes.join('”, “')}”`
}

function parameterAt({ components }: OpenApi, one: Parameter | Reference): Parameter {
  return '$ref' in one ? (components.parameters[nameOfReference(one)] as Parameter) : one
}

function parameterRow({ name, in: place, required = false, description = '', schema }: Parameter): Html {
  return row(name, schema, { required, note: place, description })
}

function answer(document: OpenApi, status: string, response: ApiResponse | Reference): Html {
  const there =
    '$ref' in response ? (document.components.responses[nameOfReference(response)] as ApiResponse) : response
  if (Number(status) >= 400)
    return html`<p class="refusal"><b>${status}</b> ${there.description.split(', ').map((reason) => html`<code>${reason}</code> `)}</p>`
  const { schema, example } = there.content?.['application/json'] ?? {}
  return html`${schema ? schemaBlock(`Answer ${status}`, schema) : html`<p><b>${status}</b> ${there.description}</p>`}
${example === undefined ? '' : html`<details><summary>Example of the answer</summary><pre>${JSON.stringify(example, null, 2)}</pre></details>`}`
}

/** The request as it is copied: into a shell, and into a program. */
function samples(all: readonly CodeSample[]): (Html | '')[] {
  return all.map(({ label, source }) =>
    label === 'curl'
      ? html`<pre>${source}</pre>`
      : html`<details><summary>${label}</summary><pre>${source}</pre></details>`,
  )
}

function namedShape(name: string, schema: JsonSchema): Html {
  return html`<article id="shape-${name}"><h3>${name}</h3>
${schema.description === undefined ? '' : html`<p>${prose(schema.description)}</p>`}${fieldsOf(schema)}</article>`
}

function schemaBlock(title: string, schema: JsonSchema): Html {
  const { type } = schemaWords(schema, shapeLink)
  const { parts } = partsOf(schema)
  const head = html`<h4>${title}${parts.length > 0 ? '' : html`: <span class="type">${type}</span>`}</h4>`
  return html`${head}${fieldsOf(schema)}`
}

function fieldsOf(schema: JsonSchema): Html | '' {
  const { parts, required } = partsOf(schema)
  if (parts.length === 0) return ''
  const rows = parts.map(([name, part]) => {
    const { description = '' } = part
    return row(name, part, { required: required.includes(name), note: '', description })
  })
  return html`<dl>${rows}</dl>`
}

interface Notes {
  readonly required: boolean
  readonly note: string
  readonly description: string
}

function row(name: string, schema: JsonSchema, { required, note, description }: Notes): Html {
  const { type, bounds } = schemaWords(schema, shapeLink)
  const usual = schema.default === undefined ? '' : `else ${JSON.stringify(schema.default)}`
  const notes = [note, required ? 'needed' : '', bounds, usual].filter((one) => one !== '').join(' · ')
  return html`<dt><code>${name}</code> <span class="type">${type}</span> <small>${notes === '' ? '' : `· ${notes}`}</small></dt>
<dd>${prose(description)}${fieldsOf(schema)}</dd>`
}

function shapeLink(name: string): Html {
  return html`<a href="#shape-${name}">${name}</a>`
}

function list(title: string, rows: Html[]): Html | '' {
  return rows.length === 0 ? '' : html`<h4>${title}</h4><dl>${rows}</dl>`
}

/** Text with `code` in it. */
function prose(text: string): (Html | string)[] {
  return text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part))
}
