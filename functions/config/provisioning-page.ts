import { html, raw } from 'hono/html'
import { renderSVG } from 'uqr'
import type { PhoneAccount, PhonePlace } from './provisioning-formats.ts'

/** A page and the policy it is shown under (Content-Security-Policy). */
interface ShownPage {
  readonly html: string
  readonly policy: string
}

/** Headers of all of them: what is on them is neither kept nor told of. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Robots-Tag': 'noindex, nofollow, noarchive',
}

/** What a person sees who opens a link: codes for apps, and the button by which the password is made. */
export function offerPage(url: string, { username, domain, server }: PhonePlace): Promise<ShownPage> {
  return page(
    'Set up a phone',
    html`<p>For the phone <b>${username}</b> at ${domain}. One app, or this page, gets a new password, once;
phones which have the one so far must be set up anew.</p>
${[new URL(url).host, server].some(isOwnMachine) ? onlyHere : ''}
<h2>An app</h2>
<p>Scan its code, or paste its address where it asks for remote provisioning.</p>
<ul>${apps.map(
      ([name, path]) => html`<li><h3>${name}</h3><img alt="QR code for ${name}" width="200" height="200"
src="data:image/svg+xml,${encodeURIComponent(renderSVG(url + path, { border: 2 }))}"><code>${url + path}</code></li>`,
    )}</ul>
<h2>Another phone</h2>
<form method="post" action="${new URL(url).pathname}"><button>Make the password and show it</button></form>`,
  )
}

/** Whether a host, with its port or without, is what a machine calls itself. */
function isOwnMachine(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host)
}

const onlyHere = html`<p><b>A phone elsewhere does not reach this machine by what these codes name.</b> Begin by
<code>HOST=192.0.2.10 SIP_HOST=192.0.2.10 npm start</code>, with the machine’s own address.</p>
`

const apps = [
  ['Linphone', ''],
  ['Zoiper', '/zoiper'],
  ['Acrobits', '/acrobits'],
] as const

/** What is typed into a phone: shown once. */
export function typedPage({
  username,
  domain,
  password,
  server,
  transport,
}: PhoneAccount): Promise<ShownPage> {
  return page(
    'Type this into the phone',
    html`<p>It is shown here once.</p>
<dl><dt>Account</dt><dd><code>${username}</code></dd>
<dt>Domain</dt><dd><code>${domain}</code></dd>
<dt>Password</dt><dd><code>${password}</code></dd>
<dt>Server or proxy</dt><dd><code>${server}</code> (${transport.toUpperCase()})</dd></dl>
<p>Where it has a field for an outbound proxy or a route, as Linphone has, the server belongs there, too: calls go by it.</p>`,
  )
}

/** Of a link which was used, or whose time is up. */
export function gonePage(): Promise<ShownPage> {
  return page(
    'This link leads nowhere any more',
    html`<p>It was used, or its ten minutes are over. Have another one made.</p>`,
  )
}

async function page(title: string, inside: ReturnType<typeof html>): Promise<ShownPage> {
  const written = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><link rel="icon" href="data:,"><style>${raw(style)}</style></head>
<body><main><h1>${title}</h1>${inside}</main></body></html>`
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)))
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`
  return { html: String(await written), policy }
}

const style = `
:root{color-scheme:light dark}
body{margin:0 auto;padding:1rem;max-width:44rem;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere;color:light-dark(#1c2330,#e4e8ef);background:light-dark(#fff,#12161d)}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:0 0 .5rem}
ul{margin:0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:1.5rem}li{width:200px}
img{display:block;background:#fff}code{font:.85rem/1.5 ui-monospace,monospace}
dt{margin-top:.75rem;font-weight:600}dd{margin:0}dd code{font-size:1.1rem;user-select:all}
button{font:inherit;padding:.6rem 1rem;border-radius:.4rem;border:0;color:#fff;background:#0b5cad;cursor:pointer}
`
