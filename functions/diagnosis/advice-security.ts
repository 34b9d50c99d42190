import { accountThing, type BrokenPractice, grouped, providerThing } from './advice-broken.ts'
import type { AdvisedConfiguration } from './advice-facts.ts'
import { patch } from './finding.ts'

/*
 * Who may call, and what is heard on the way: practices of passwords and of encryption.
 */

/** Accounts which have the password of another; `password` gives a new one. */
export function sharedPasswords(
  { accounts }: AdvisedConfiguration,
  password: () => string,
): BrokenPractice[] {
  const sharing = accounts.filter(({ shared_password }) => shared_password !== null)
  const groups = grouped(sharing, ({ shared_password }) => shared_password)
  return [...groups.values()].flatMap(([first, ...others]) =>
    others.map((account) => ({
      sentence: `${account.name} has the same password as ${first?.name}: who learns one has both.`,
      todo: `${newPassword} The one which is proposed was drawn just now, and is kept nowhere.`,
      request: patch(account.noun, account.id, { password: password() }),
      objects: [first, account].flatMap((one) => (one ? [accountThing(one)] : [])),
    })),
  )
}

/** Days after which a password is old. */
const passwordDays = 365
const newPassword = 'Give it a new password, and put that into its phones.'

/** Accounts which have their password for long. */
export function oldPasswords(
  { accounts, now }: AdvisedConfiguration,
  password: () => string,
): BrokenPractice[] {
  return accounts
    .filter(
      ({ password_since }) =>
        password_since !== null && (Date.parse(now) - Date.parse(password_since)) / 86_400_000 > passwordDays,
    )
    .map((account) => ({
      sentence: `${account.name} has had its password since ${account.password_since?.slice(0, 10)}.`,
      todo: `${newPassword} The one which is proposed was drawn just now, and is kept nowhere.`,
      request: patch(account.noun, account.id, { password: password() }),
      objects: [accountThing(account)],
      evidence: { password_since: account.password_since, days: passwordDays },
    }))
}

/** What might be encrypted, or verified, and is not. */
export function unencrypted({ accounts, providers }: AdvisedConfiguration): BrokenPractice[] {
  const own = providers.filter((provider) => provider.own)
  return [
    ...accounts
      .filter(({ secure }) => secure === 'off')
      .map((account) => ({
        sentence: `${account.name} never encrypts its sound (secure is off), even where both sides could.`,
        todo: 'Allow it; or require it, with TLS.',
        request: patch(account.noun, account.id, { secure: 'allowed' }),
        objects: [accountThing(account)],
      })),
    ...own
      .filter(({ secure }) => secure === 'off')
      .map((provider) => ({
        sentence: `${provider.name} is never offered encrypted sound (secure is off).`,
        todo: 'Allow it; or require it, with TLS.',
        request: patch('providers', provider.id, { secure: 'allowed' }),
        objects: [providerThing(provider)],
      })),
    ...own
      .filter(({ transport, tls_verify }) => transport === 'tls' && tls_verify === 'none')
      .map((provider) => ({
        sentence: `${provider.name} is called over TLS, and its certificate is not looked at: anybody on the way may pose as it.`,
        todo: 'Verify it; where it is its own authority, by its fingerprint.',
        request: patch('providers', provider.id, { tls_verify: 'full' }),
        objects: [providerThing(provider)],
      })),
  ]
}
