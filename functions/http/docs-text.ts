import type { OpenApi } from './openapi-document.ts'

/** The document as a text for those who read pages for people badly (llmstxt.org): what there is, and where the rest stands. */
export function docsText({ info, tags, paths }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({ ...one, asked: `${method.toUpperCase()} ${path}` })),
  )
  const chapters = tags.map(({ name, description }) => {
    const own = operations.filter((one) => one.tags.includes(name))
    const lines = own.map(
      ({ asked, summary, operationId }) => `- [${asked}](/docs#${operationId}): ${summary}`,
    )
    return [`## ${name}`, description, lines.join('\n')].join('\n\n')
  })
  const more =
    'Every field, refusal and request to copy: [OpenAPI](/v1.0/openapi.json), or [the page](/docs). An access key goes into `Authorization: Bearer <key>`.'
  return `${[`# ${info.title}`, info.description, more, ...chapters].join('\n\n')}\n`
}
