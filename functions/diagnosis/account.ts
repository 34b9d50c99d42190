import { isEncryptedTransport } from '#contract'
import { readIp, readNetwork, unmapped, within } from '#routing'
import type { PhoneFacts, RefusedRegistration } from './account-facts.ts'
import { diagnoseCall } from './call.ts'
import type { CallFacts } from './call-facts.ts'
import { type DiagnosisVerdict, type Finding, found, patch, post, type Severity, summed } from './finding.ts'
import { hostOf, isBehindNat, keepOpen, registrationEnding } from './nat.ts'

/** What findings of several calls come to. */
export interface CallsInSum {
  readonly looked_at: number
  readonly findings: readonly {
    code: string
    severity: Severity
    calls: number
    last_call_id: string
    sentence: string
  }[]
}

/** What is wrong with an extension and its phones, and with its latest calls. */
export function diagnoseAccount(facts: PhoneFacts): {
  verdict: DiagnosisVerdict
  findings: Finding[]
  calls: CallsInSum
} {
  const findings = [
    ...settings(facts),
    ...blocked(facts),
    ...refusedRegistrations(facts),
    ...whereabouts(facts),
    ...unsteady(facts),
  ]
  return { ...summed(findings), calls: callsInSum(facts.calls) }
}

/** What was found of calls, how often, with the latest of each: what people did is left out. */
export function callsInSum(calls: readonly CallFacts[]): CallsInSum {
  const sums = new Map<string, CallsInSum['findings'][number]>()
  for (const facts of calls)
    for (const { code, severity, sentence } of diagnoseCall(facts).findings) {
      if (severity === 'info') continue
      const known = sums.get(code)
      sums.set(
        code,
        known
          ? { ...known, calls: known.calls + 1 }
          : { code, severity, calls: 1, last_call_id: facts.call.id, sentence },
      )
    }
  return {
    looked_at: calls.length,
    findings: [...sums.values()].sort((one, other) => other.calls - one.calls),
  }
}

function settings({ account }: PhoneFacts): Finding[] {
  const { id, extension, enabled, destinations } = account
  if (!enabled)
    return [
      found(
        'EXTENSION_DISABLED',
        `The extension ${extension} is disabled: it neither registers nor calls.`,
        'Enable it.',
        {
          severity: 'error',
          request: patch('extensions', id, { enabled: true }),
        },
      ),
    ]
  if (
    destinations === null ||
    destinations.some(({ type, target }) => type === 'extension' && target === extension)
  )
    return []
  const own = {
    severity: 'info',
    evidence: { destinations },
    request: post(`extensions/${id}/forwarding`, {}),
  } as const
  return destinations.length === 0
    ? [
        found(
          'DO_NOT_DISTURB',
          `The extension ${extension} is set not to be disturbed: callers hear that it is busy.`,
          'An empty forwarding lets its phones ring again.',
          own,
        ),
      ]
    : [
        found(
          'FORWARDED',
          `Calls to ${extension} ring others than its own phones.`,
          'An empty forwarding lets its phones ring again.',
          own,
        ),
      ]
}

/** Where it is registered, or why it is not. */
function whereabouts(facts: PhoneFacts): Finding[] {
  const { account, registrations, endings } = facts
  const [last] = endings
  if (!account.enabled) return []
  if (registrations.length === 0) return [last ? notAnyMore(facts, last) : never(facts)]
  return [
    ...registrations
      .filter(({ relay_alive }) => !relay_alive)
      .map((one) =>
        found(
          'RELAY_LOST',
          `It is registered at relay ${one.relay_id}, which is not heard any more.`,
          'Start that relay, or have the phone register anew: another relay takes it.',
          { severity: 'error', evidence: { ...one } },
        ),
      ),
    ...registrations
      .filter(({ transport }) => account.secure === 'required' && !isEncryptedTransport(transport))
      .map((one) =>
        found(
          'REGISTERED_WITHOUT_TLS',
          `Its sound must be encrypted (secure is required), and it is registered over ${one.transport}, where the keys could be read: its calls are refused.`,
          'Have the phone use TLS; or do not require it.',
          {
            severity: 'error',
            evidence: { ...one },
            request: patch('extensions', account.id, { secure: 'allowed' }),
          },
        ),
      ),
    ...registrations
      .filter(
        ({ transport, contact, address }) =>
          account.keepalive_s === 0 &&
          transport === 'udp' &&
          isBehindNat(hostOf(contact), hostAlone(address)),
      )
      .map((one) =>
        found(
          'KEEPALIVE_OFF_BEHIND_NAT',
          `It is registered over UDP behind a NAT (it calls itself ${hostOf(one.contact)}, and comes from ${one.address}), and nothing keeps that open.`,
          'Keep the NAT open by OPTIONS.',
          { evidence: { ...one }, request: patch('extensions', account.id, { keepalive_s: 25 }) },
        ),
      ),
    ...(registrations.length >= account.max_contacts && endings.some(({ reason }) => reason === 'PUT_OUT')
      ? [
          found(
            'TOO_MANY_CONTACTS',
            `${registrations.length} phones are registered, as many as max_contacts allows, and others were put out.`,
            'Allow more, or see who else registers with this password.',
            {
              evidence: { registered: registrations.length, max_contacts: account.max_contacts },
              request: patch('extensions', account.id, {
                max_contacts: Math.min(20, account.max_contacts * 2),
              }),
            },
          ),
        ]
      : []),
  ]
}

function never({ account: { extension, realm }, refusals }: PhoneFacts): Finding {
  return found(
    'NEVER_REGISTERED',
    `No phone has registered as ${extension}, as far as is known.`,
    `Put the server, ${extension}@${realm} and the password into the phone, and see that a firewall lets SIP through.`,
    {
      severity: 'error',
      evidence: {
        account: `${extension}@${realm}`,
        refused: refusals.reduce((sum, { count }) => sum + count, 0),
      },
    },
  )
}

function notAnyMore({ account }: PhoneFacts, last: PhoneFacts['endings'][number]): Finding {
  const ended = registrationEnding(account, last)
  if (ended) return ended
  const todo = endingTodos[last.reason ?? ''] ?? 'Have the phone register anew.'
  return found(
    'NOT_REGISTERED',
    `The phone of extension ${account.extension} is not registered: ${last.why ?? last.type}`.replace(
      /[^.]$/,
      '$&.',
    ),
    todo,
    {
      severity: 'error',
      evidence: { ...last },
    },
  )
}

const anotherToken =
  'Have the page, or the program, ask for another token; this one was ended, its access key was deleted, or the password is another.'

const endingTodos: Readonly<Record<string, string>> = {
  BY_PHONE: 'The phone signed off by itself: switch it, or its account there, on again.',
  BY_API: 'It was ended by DELETE /v1.0/registrations/{id}: have the phone register anew.',
  PASSWORD_CHANGED: 'Put the new password into the phone.',
  TOKEN_ENDED: anotherToken,
  PUT_OUT: 'Others registered later: allow more by max_contacts, or see who they are.',
  RELAY_DELETED:
    'The phone registers by itself at its next refresh where it finds another relay by its name; one which has the address of that one in it is to be given another.',
  RELAY_RESTARTED: 'The relay began anew: the phone registers by itself at its next refresh.',
  CONNECTION_CLOSED:
    'The phone’s TCP or TLS connection was closed: it registers by itself as soon as it has a network.',
}

/**
 * Refused since a phone at the same place last registered, be it registered still or not: what was put right says nothing any more. A name which no account
 * has may be what the phone of one is called which is not registered.
 */
function refusedRegistrations({ account, registrations, endings, refusals }: PhoneFacts): Finding[] {
  const told = new Map<string, Finding>()
  const succeeded = [
    ...registrations.map(({ address, tm_update }) => ({ place: hostAlone(address), at: tm_update })),
    ...endings.map((one) => ({ place: one.source_address, at: one.refreshed_at ?? one.registered_at ?? '' })),
  ]
  for (const refused of refusals) {
    if (succeeded.some(({ place, at }) => place === refused.source_address && at > refused.at)) continue
    if (refused.account.split('@')[0] !== account.extension && registrations.length > 0) continue
    const key = `${refused.reason} ${refused.source_address}`
    if (!told.has(key)) told.set(key, refusal(refused, account, registrations.length > 0))
  }
  return [...told.values()].slice(0, 10)
}

function refusal(
  refused: RefusedRegistration,
  { extension, realm }: PhoneFacts['account'],
  registered: boolean,
): Finding {
  const { reason, why, account, source_address } = refused
  const todo = refusalTodos[reason] ?? 'See what the phone sends; its user agent and address stand beside.'
  const sentence = `A request for ${account} from ${source_address ?? 'an unknown address'} was refused: ${why}`
  return found(
    // What a router did to SIP is one thing, however it shows.
    reason === 'URI_REWRITTEN' ? 'SIP_ALG_SUSPECTED' : reason,
    /\.$/.test(sentence) ? sentence : `${sentence}.`,
    registered ? `${todo} Another phone is registered: this may also be a stranger who guesses.` : todo,
    {
      severity: registered ? 'warning' : 'error',
      evidence: { ...refused, wanted: `${extension}@${realm}` },
    },
  )
}

const refusalTodos: Readonly<Record<string, string>> = {
  WRONG_PASSWORD:
    'Put the password into the phone once more, and let its authorization user be empty or the extension’s name.',
  UNKNOWN_ACCOUNT: 'If that is its phone, put the extension’s name into it as it is here.',
  URI_REWRITTEN: 'Switch SIP ALG (SIP helper, SIP fix-up) off in the router of the phone, or let it use TLS.',
  UNKNOWN_DOMAIN: 'Put the extension’s domain_name into the phone as its domain.',
  SHARED_NAME: 'Put the extension’s domain_name into the phone as its domain.',
  WRONG_REALM: 'Leave the realm (auth domain) of the phone empty.',
  WRONG_ALGORITHM: 'Allow the phone’s algorithm by digest_algorithms, or have it use MD5.',
  ACCOUNT_DISABLED: 'Enable the extension.',
  TOKEN_EXPIRED: 'Have the page, or the program, ask for another token before one is over.',
  TOKEN_ENDED: anotherToken,
  EXPIRES_TOO_SHORT: 'Have the phone register for longer, or lower min_expires.',
  TOO_MANY_CONTACTS: 'Have the phone register one contact at a time.',
  SIPS_WITHOUT_TLS: 'Have the phone use TLS, or register a Contact which is a sip URI.',
  STALE_NONCES:
    'Look for a router or balancer between which changes the phone’s address from packet to packet.',
  TOO_MANY_ATTEMPTS:
    'Put the right password into the phone, then wait: a minute, or up to 15 where wrong ones went on; a new password ends the wait.',
  SOURCE_SLOWED:
    'Put the right password into the phones at that address: each answer in time is looked at again.',
  SOURCE_BLOCKED:
    'Put the right password into the phones there, then end the block: DELETE /v1.0/blocks/{id}.',
  REPEATED_ANSWERS:
    'Look for what sends packets twice on the way, or update the phone: each answer has a count (nc) of its own.',
  BAD_CREDENTIALS: 'Update the phone: with qop=auth its answer has to have cnonce and nc.',
  NOT_ITS_ACCOUNT: 'Let the phone’s authorization user be empty or the extension’s name.',
}

function blocked({ blocks, refusals, registrations }: PhoneFacts): Finding[] {
  const seen = [
    ...refusals.map(({ source_address }) => source_address),
    ...registrations.map(({ address }) => hostAlone(address)),
  ]
  return blocks
    .filter(({ source }) => seen.some((address) => address !== null && liesIn(address, source)))
    .map((block) =>
      found(
        'SOURCE_BLOCKED',
        `Nothing from ${block.source} is listened to until ${block.until}, since many wrong passwords came from there.`,
        'Put the right password into the phones there, then end the block.',
        {
          severity: 'error',
          evidence: { ...block },
          request: { method: 'DELETE', path: `/v1.0/blocks/${block.id}`, body: {}, fill_in: [] },
        },
      ),
    )
}

function liesIn(address: string, network: string): boolean {
  const [ip, read] = [readIp(address), readNetwork(network)]
  if (!ip || !read) return address === network
  const [one, other] = [unmapped(ip), unmapped(read.ip)]
  return one.length === other.length && within(one, other, read.bits)
}

/** Times that a registration ends within what was looked at, from which on it comes and goes. */
const unsteadyFrom = 3

function unsteady({ account, registrations, endings }: PhoneFacts): Finding[] {
  const lost = endings.filter(({ type }) => type === 'registration.expired' || type === 'registration.lost')
  if (registrations.length === 0 || lost.length < unsteadyFrom) return []
  return [
    found(
      'REGISTRATION_COMES_AND_GOES',
      `Its registration was lost ${lost.length} times within a day, and came again.`,
      'Keep its NAT open, have it register for a shorter time than its NAT remembers, or use TCP or TLS.',
      {
        evidence: {
          times: lost.length,
          last: lost[0],
          keepalive_s: account.keepalive_s,
          max_expires: account.max_expires,
        },
        request: keepOpen(account),
      },
    ),
  ]
}

/** Without its port. */
function hostAlone(place: string): string {
  return place.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}
