import { secretsPath } from './secrets-file.ts'
import { firstAddress, type StackSettings } from './settings.ts'
import type { EdgeSide } from './stack.ts'
import { realmOf } from './stack.ts'

/** What a person reads when everything is up: where it is, and what to type into a softphone. */
export function welcome(settings: StackSettings, edge: EdgeSide): string {
  const { publicIp, sipPort } = settings
  const realm = realmOf(settings, edge)
  const key = edge.access.isNew ? edge.access.key : `$(jq -r .access_key '${secretsPath(settings.folder)}')`
  const server = `${publicIp.includes(':') ? `[${publicIp}]` : publicIp}:${sipPort}`
  return [
    '',
    '  Trunkline is up. Ctrl-C stops it.',
    '',
    `  Console     ${edge.consoleUrl}`,
    '              (signs in whoever opens it first)',
    `  API         ${edge.apiUrl}/v1.0 (told of at ${edge.apiUrl}/docs)`,
    ...accessLines(settings, edge),
    `  SIP         ${server} (UDP and TCP)`,
    ...(isLoopback(settings.sipHost) ? [`              (${aloneHere()})`] : []),
    ...(settings.publicIpGuessed
      ? [`              (PUBLIC_IP is not set: phones are told ${publicIp})`]
      : []),
    '',
    '  Make an extension:',
    `    curl -s ${edge.apiUrl}/v1.0/extensions -H "Authorization: Bearer ${key}" \\`,
    `      -H "Content-Type: application/json" \\`,
    `      -d '{"name":"first-phone","username":"first1","password":"secure-password"}'`,
    '',
    '  Then type into a softphone:',
    `    Server / proxy   ${server}`,
    `    Account          first1@${realm}`,
    '    Password         secure-password',
    '',
  ].join('\n')
}

/** Why no carrier is reached from there, and what the next start is to be told so that it is. */
function aloneHere(): string {
  const outward = firstAddress('IPv4')
  const host = isLoopback(outward) ? 'an address of this machine' : outward
  return `this machine alone; for phones and carriers elsewhere SIP_HOST=${host} npm start`
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** The access key at the first start; afterwards, where it is kept. */
export function accessLines({ folder }: StackSettings, { access }: EdgeSide): string[] {
  const kept = `access_key in ${secretsPath(folder)}`
  if (access.isNew) return [`  Access key  ${access.key}`, `              (shown once; kept as ${kept})`]
  return [`  Access key  the one from the first start: ${kept}`]
}
