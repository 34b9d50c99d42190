import type { Remedy } from './shown.ts'

/** A request as curl sends it, from a shell which has the access key in KEY. */
export function curlOf({ method, path, body }: Remedy, origin: string): string {
  const verb = method === 'POST' ? '' : ` -X ${method}`
  const content = method === 'DELETE' ? '' : ` \\\n  -d ${quoted(JSON.stringify(body))}`
  return `curl -sS${verb} '${origin}${path}' -H "Authorization: Bearer $KEY" \\\n  -H 'Content-Type: application/json'${content}`
}

/** As a shell takes it for one word and looks no further into it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
