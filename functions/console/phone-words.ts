import type { AccessScope } from '#contract'
import type { ShownPhoneToken } from './shown.ts'

/** The tokens which are good still at an instant, UTC ms. */
export function goodAt(at: number, tokens: readonly ShownPhoneToken[]): ShownPhoneToken[] {
  return tokens.filter(({ tm_expire }) => Date.parse(tm_expire) > at)
}

/** The scope which a key lacks to end a token, or has for it: for another key's it needs `configure`, too. */
export function scopeToEnd(token: ShownPhoneToken, ownKeyId: string, mayCall: boolean): AccessScope {
  return token.key_id === ownKeyId || !mayCall ? 'call' : 'configure'
}

/** Why no phone elsewhere is set up by a link; empty: its address says nothing against it. */
export function onlyHere(url: string): string {
  const { hostname } = new URL(url)
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
    ? `A phone elsewhere does not reach ${hostname}: begin by HOST=192.0.2.10 SIP_HOST=192.0.2.10 npm start, with this machine’s own address.`
    : ''
}
