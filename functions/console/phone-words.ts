import type { AccessScope } from '#contract'
import type { PhoneChange } from './registration-event.ts'
import type { ShownNumber, ShownPhone, ShownPhoneToken } from './shown.ts'

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

/** Whom a number rings. */
export function ringsWords(of: ShownNumber, phones: readonly Pick<ShownPhone, 'id' | 'extension'>[]): string {
  const { number, extension_id } = of
  const phone = phones.find(({ id }) => id === extension_id)
  if (!isConnected(of)) return `${number} rings nobody yet`
  if (of.call_flow_id !== null) return `${number} follows a flow`
  return `${number} rings ${phone ? phone.extension : 'something else'}`
}

/** Whether a number leads anywhere. */
export function isConnected({ extension_id, trunk_id, call_flow_id, destinations }: ShownNumber): boolean {
  return [extension_id, trunk_id, call_flow_id, destinations].some((each) => each !== null)
}

/** The refusal which a phone met last, if it did not register after that; of what happened to it, the newest first. */
export function refusedSince<Change extends Pick<PhoneChange, 'type'>>(
  changes: readonly Change[],
): Change | undefined {
  const last = changes.find(({ type }) => /\.(failed|made|moved)$/.test(type))
  return last?.type === 'registration.failed' ? last : undefined
}
