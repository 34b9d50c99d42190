import type { Attempt, Consideration } from '#contract'
import { isItsOwnTrouble, itsOwnTrouble } from './attempts.ts'
import type { CallFacts, CarrierFacts } from './call-facts.ts'
import { type Finding, found, patch, post, type Remedy, type Severity } from './finding.ts'
import { isKeptOpen, keepOpen, registrationEnding } from './nat.ts'

/*
 * What to do about each reason for which a call was not carried, or was cut. The reason is the finding's code, its sentence
 * what the record says: they are told once, and here no word is added to what happened.
 */

/** What a reason calls for. */
interface Advice {
  readonly severity?: Severity
  readonly todo: string
  readonly request?: Remedy | null
  readonly evidence?: Finding['evidence']
  /** What else follows from it. */
  readonly besides?: readonly Finding[]
}

/** What was found of the reason a call's record gives, first itself; none where it gives none. */
export function refusalFindings(facts: CallFacts): Finding[] {
  const { reject_reason: reason, reject_message, hangup_reason, sip_status, decision } = facts.call
  if (reason === null) return []
  const { severity = 'error', todo, request = null, evidence, besides = [] } = adviceOn(reason, facts)
  const rests = { sip_status, hangup_reason, decided_by: decision?.decided_by ?? null, ...evidence }
  const sentence = reject_message || decision?.message || `The call was not carried: ${reason}.`
  return [found(reason, sentence, todo, { severity, evidence: rests, request }), ...besides]
}

function adviceOn(reason: string, facts: CallFacts): Advice {
  const limit = /^(CHANNELS|CPS|DAILY_MINUTES)_EXCEEDED$/.exec(reason)
  return limit ? moreRoom(facts) : (advices[reason]?.(facts) ?? { todo: askSupport })
}

const askSupport = 'Read the attempts and the decision in the call’s record; they say what each side said.'

const people = (todo: string) => (): Advice => ({ severity: 'info', todo })

const advices: Readonly<Record<string, (facts: CallFacts) => Advice>> = {
  BUSY: people(
    'Nothing is broken. To let such calls go elsewhere send them on when busy (forwarding, or destinations of the number).',
  ),
  NO_ANSWER: people(
    'Nothing is broken. To let such calls go elsewhere send them on when nobody answers, or ring longer (ring_timeout).',
  ),
  DO_NOT_DISTURB: ({ callee }) => ({
    severity: 'info',
    todo: 'The extension is set not to be disturbed; an empty forwarding lets its phones ring again.',
    request: callee && post(`extensions/${callee.id}/forwarding`, {}),
  }),
  NO_ROUTE: noRoute,
  ALL_PROVIDERS_FAILED: () => ({ todo: 'See what each provider said below, and mend the first of them.' }),
  ALL_PROVIDERS_FULL: fullProviders,
  TRANSCODING_BUSY: () => ({
    todo: 'Have the phone offer PCMU or PCMA beside Opus, and allow one of them in the codecs of whom it calls, which needs no transcoding; or call again in a moment. Who runs the relay sets how many calls it transcodes, half of them one customer’s at most, or all but a fifth while no other has one: OPUS_CALLS.',
  }),
  SEARCH_TIMED_OUT: () => ({
    todo: 'See below who did not answer. Where a provider is only slow, give it longer: failover.search_ms.',
  }),
  DESTINATION_NOT_ALLOWED: countryForbidden,
  DESTINATION_BLOCKED: prefixBlocked,
  INVALID_NUMBER: () => ({
    todo: 'Dial the number as it is, with its country code (+15551234567), or as it is dialled in the customer’s default_country.',
  }),
  SERVICE_CODE_UNKNOWN: () => ({
    todo: 'Star codes which are known: *67, *82, #31#, *31#. Dial the number alone.',
  }),
  NUMBER_NOT_CONNECTED: ({ call }) => ({
    todo: 'Say whom the number rings.',
    request:
      call.number_id === null
        ? null
        : patch('numbers', call.number_id, { extension_id: '' }, ['extension_id']),
  }),
  NUMBER_DISABLED: ({ call }) => ({
    todo: 'Enable the number.',
    request: call.number_id === null ? null : patch('numbers', call.number_id, { enabled: true }),
  }),
  NUMBER_NOT_FOUND: ({ call }) => ({
    todo: 'List the number, and say whom it rings.',
    request: post('numbers', { number: call.destination.target, extension_id: '' }, ['extension_id']),
  }),
  NOT_REGISTERED: notRegistered,
  REGISTERED_ELSEWHERE: ({ call }) => ({
    todo: 'Let relays reach one another: each needs a NEIGHBOUR_PORT which is open to the others, and NEIGHBOUR_ADDRESS where PUBLIC_IP is not how they reach it. A relay which is gone leaves its phones to others as soon as they register anew.',
    evidence: { relay_id: call.relay_id },
  }),
  EXTENSION_DISABLED: ({ callee }) => ({
    todo: 'Enable the extension.',
    request: callee && patch('extensions', callee.id, { enabled: true }),
  }),
  EXTENSION_NOT_FOUND: ({ call }) => ({
    todo: 'Dial an extension which is there, or make it.',
    request: post('extensions', { extension: call.destination.target, password: '' }, ['password']),
  }),
  TRUNK_DISABLED: ({ call }) => ({
    todo: 'Enable the trunk.',
    request: call.trunk_id === null ? null : patch('trunks', call.trunk_id, { enabled: true }),
  }),
  CALLER_ID_REQUIRED: ownCallerId,
  CALLER_ID_NOT_OWNED: ownCallerId,
  LOOP_DETECTED: () => ({ todo: 'Take one of the forwardings away which send the call in a circle.' }),
  TOO_MANY_FORWARDS: () => ({ todo: 'Forward to the last one at once: fewer hops.' }),
  TOO_MANY_HOPS: () => ({
    todo: 'Look for two systems which send the call to each other: a route whose provider leads back here.',
  }),
  FORWARD_NOT_ALLOWED: () => ({
    todo: 'Let the phone forward to a number or an extension of yours, or set the forwarding here.',
  }),
  HOST_NOT_FOUND: ({ call, providers }) => ({
    todo: 'Correct the host name, or its DNS records (A, AAAA, SRV).',
    request: ofCarrier(triedAt(call, providers), ({ id, hostname }) =>
      patch('providers', id, { hostname }, ['hostname']),
    ),
  }),
  PROVIDER_UNREACHABLE: (facts) => ({
    todo: 'See that hostname, port and transport are the provider’s, that it is up, and that a firewall lets SIP through. A trial tells whether it answers.',
    request: trial(facts),
  }),
  PROVIDER_SILENT: (facts) => ({
    todo: 'Ask the provider why it took the call and never said more; a second provider on the same route takes over meanwhile.',
    request: trial(facts),
  }),
  PROVIDER_REFUSED: ({ call }) => ({
    todo: `${isItsOwnTrouble(lastTried(call)) ? `${itsOwnTrouble} ` : ''}Ask the provider what it minds, with the call’s sip_call_id: often the number’s form (called_format), the caller id, or its credit.`,
  }),
  CREDENTIALS_REFUSED: credentials(
    'Set the username and password which the provider gave out; its realm too, if it names another than its host.',
  ),
  CREDENTIALS_MISSING: credentials(
    'Set the username and password which the provider gave out, or have it know your address.',
  ),
  REDIRECTED: (facts) => ({
    todo: 'Let calls follow where the provider redirects them.',
    request: ofCarrier(triedAt(facts.call, facts.providers), ({ id }) =>
      patch('providers', id, { redirects: 'follow' }),
    ),
  }),
  NO_COMMON_CODEC: codecs,
  NOT_ENCRYPTED: (facts) => ({
    todo: 'Let the party use TLS and SRTP; or, where its sound may be heard on the way, do not require it (secure: allowed).',
    request:
      ofCarrier(triedAt(facts.call, facts.providers), ({ id }) =>
        patch('providers', id, { secure: 'allowed' }),
      ) ??
      (facts.callee && patch('extensions', facts.callee.id, { secure: 'allowed' })),
  }),
  SIPS_WITHOUT_TLS: () => ({
    todo: 'Let caller, callee and provider use TLS, or dial the address as a sip URI (sip:), which promises none.',
  }),
  PHONE_UNREACHABLE: (facts) => phoneGone(facts),
  PHONE_SILENT: (facts) => phoneGone(facts),
  PHONE_REFUSED: () => ({ todo: 'Look at the phone: it refused the call itself.' }),
  PBX_UNREACHABLE: () => ({
    todo: 'See that the PBX is up, that its hostname and port are right, and that its firewall lets SIP through.',
  }),
  PBX_SILENT: () => ({ todo: 'Look at the PBX’s log: it took the call, and never said more.' }),
  PBX_REFUSED: () => ({
    todo: 'Look at the PBX: it refused the call itself. Often it does not know the number as it is written (called_format).',
  }),
  NOT_ACKNOWLEDGED: ({ call }) => ({
    todo: 'Our answer reached the caller, and its ACK did not reach us: set PUBLIC_IP to the address at which the world finds the relay, and switch SIP ALG off in the caller’s router.',
    evidence: {
      comes_from: call.media?.from_caller.source_address ?? null,
      names_itself: call.media?.from_caller.contact_address ?? null,
    },
  }),
  SOUND_UNUSABLE: () => ({
    todo: 'Correct the device’s media settings: its answer leaves no audio stream to talk by.',
  }),
  MEDIA_TIMEOUT: () => ({
    todo: 'No packet of either side came any more: look for a party which lost its network, or a firewall which forgets UDP.',
  }),
  ICE_FAILED: () => ({
    todo: 'Let browsers send UDP to the relay’s media ports: see that PUBLIC_IP is right, and that no firewall on either side keeps UDP back.',
  }),
  CONSENT_LOST: () => ({
    todo: 'The browser vanished, or lost its network: look whether its page was closed, or its machine slept.',
  }),
  DTLS_FAILED: () => ({
    todo: 'Look at what carries the signalling: who changes a=fingerprint in a description, or shows another certificate, is heard by no one.',
  }),
  MEDIA_UNAVAILABLE: () => ({
    todo: 'The relay has no RTP ports left, or its media thread is gone: widen RTP_PORTS, or run one more relay.',
  }),
  PARTY_LOST: () => ({
    todo: 'One side vanished within the call: look at its network, and at NATs which forget a connection (keep-alives, TCP or TLS).',
  }),
  SESSION_EXPIRED: () => ({
    todo: 'One side no longer refreshed the session (RFC 4028): it vanished, or its timer is broken.',
  }),
  RELAY_LOST: relayGone(
    'The relay was not heard any more, and the call went with it: look whether it was killed, out of memory, or cut off.',
  ),
  RELAY_RESTARTED: relayGone(
    'The relay began anew, and the call went with it: drain relays before they are stopped.',
  ),
  RELAY_STOPPED: relayGone('The relay was stopped: drain it first, and let another take new calls.'),
}

function noRoute({ call, providers }: CallFacts): Advice {
  const skipped = (call.decision?.candidates ?? []).filter(({ kept }) => !kept)
  const carrier = providers.find(({ own, enabled }) => own && enabled)
  const mended = skipped.flatMap((one) => routeMended(one, providers) ?? []).at(0)
  return {
    todo:
      skipped.length > 0
        ? 'Every route was passed over for the reason beside it: mend one of them, or make one which leads there.'
        : 'Make a route which leads there.',
    request:
      mended ??
      post(
        'routes',
        { name: 'Default Outbound Route', provider_id: carrier?.id ?? '', target: 'all', priority: 1 },
        carrier ? [] : ['provider_id'],
      ),
    evidence: {
      dialled: call.decision?.number?.dialled ?? call.destination.target,
      passed_over: skipped
        .slice(0, 20)
        .map(({ route_id, route_name, code, why }) => ({ route_id, route_name, code, why })),
    },
  }
}

/** What has a route taken again which was passed over; undefined: nothing of the customer's does. */
function routeMended(
  { code, platform, route_id, provider_id }: Consideration,
  providers: CallFacts['providers'],
): Remedy | undefined {
  if (code.startsWith('PROVIDER_') && code !== 'PROVIDER_DELETED') {
    const carrier = providers.find(({ id, own }) => own && id === provider_id)
    if (!carrier) return undefined
    return code === 'PROVIDER_DISABLED'
      ? patch('providers', carrier.id, { enabled: true })
      : patch('providers', carrier.id, { password: '' }, ['password'])
  }
  if (platform || route_id === null) return undefined
  if (code === 'DISABLED') return patch('routes', route_id, { enabled: true })
  if (code === 'TIME_WINDOW') return patch('routes', route_id, { time_window: null }, ['time_window'])
  if (code === 'PROVIDER_DELETED') return patch('routes', route_id, { provider_id: '' }, ['provider_id'])
  return undefined
}

function fullProviders({ call, providers }: CallFacts): Advice {
  const full = (call.decision?.candidates ?? []).find(({ code }) => code === 'CHANNELS' || code === 'CPS')
  const carrier = providers.find(({ id }) => id === full?.provider_id)
  return {
    todo: 'Raise max_channels or max_cps to what the provider sold you, or add a second one.',
    request: ofCarrier(carrier, ({ id, max_channels }) =>
      full?.code === 'CPS'
        ? patch('providers', id, { max_cps: null }, ['max_cps'])
        : patch('providers', id, { max_channels: max_channels === null ? null : max_channels * 2 }),
    ),
    evidence: { provider: full?.provider_name ?? null, limit: full?.code ?? null, why: full?.why ?? null },
  }
}

function moreRoom({ call }: CallFacts): Advice {
  const full = (call.decision?.limits ?? []).find(({ exceeded }) => exceeded)
  const path =
    full &&
    { customer: 'customer', extension: `extensions/${full.id}`, trunk: `trunks/${full.id}` }[full.kind]
  return {
    todo: 'Raise the limit, or wait until calls have ended: many at once may also be a stolen password.',
    request:
      full && path
        ? {
            method: 'PATCH',
            path: `/v1.0/${path}`,
            body: { [`max_${full.resource}`]: full.of * 2 },
            fill_in: [],
          }
        : null,
    evidence: full
      ? { of: full.kind, name: full.name, resource: full.resource, used: full.used, limit: full.of }
      : {},
  }
}

function countryForbidden({ call, customer }: CallFacts): Advice {
  const country = call.decision?.number?.country?.toLowerCase()
  return {
    todo: 'Allow the country, if you mean to call there.',
    request: country
      ? {
          method: 'PATCH',
          path: '/v1.0/customer',
          body: { destination_whitelist: [...new Set([...customer.countries, country])] },
          fill_in: [],
        }
      : null,
    evidence: { country: country ?? null, allowed: customer.countries },
  }
}

function prefixBlocked({ call, customer }: CallFacts): Advice {
  const number = call.decision?.number?.e164 ?? call.destination.target
  const blocking = customer.blocked_prefixes.filter((prefix) => number.startsWith(prefix))
  return {
    todo: 'Take the prefix from blocked_prefixes, if you mean to call there.',
    request: {
      method: 'PATCH',
      path: '/v1.0/customer',
      body: { blocked_prefixes: customer.blocked_prefixes.filter((prefix) => !blocking.includes(prefix)) },
      fill_in: [],
    },
    evidence: { number, blocked_by: blocking },
  }
}

function notRegistered({ callee }: CallFacts): Advice {
  const ended = callee?.last ? registrationEnding(callee, callee.last) : undefined
  return {
    todo: 'See that the phone is on, and registers with the right server, name and password: its diagnosis says what it tried last.',
    evidence: {
      extension: callee?.extension ?? null,
      diagnosis: callee ? `/v1.0/extensions/${callee.id}/diagnosis` : null,
      last: callee?.last ?? null,
    },
    besides: ended ? [ended] : [],
  }
}

function phoneGone({ callee }: CallFacts): Advice {
  return {
    todo:
      callee && isKeptOpen(callee)
        ? 'The phone is registered, and does not answer where it did: it is off, its network is gone, or its NAT has forgotten it although OPTIONS keep that open. See that it is on; TCP or TLS, or a registration renewed sooner, has its loss known sooner.'
        : 'The phone is registered, and does not answer where it did: it is off, its network is gone, or its NAT has forgotten it. Keep the NAT open by OPTIONS.',
    request: callee && keepOpen(callee),
    evidence: { keepalive_s: callee?.keepalive_s ?? null },
  }
}

function ownCallerId({ call }: CallFacts): Advice {
  const { extension_id, trunk_id, decision } = call
  const todo = 'Let it show a number of yours, in E.164.'
  const evidence = { shown: decision?.caller_id?.number ?? null, why: decision?.caller_id?.why ?? null }
  if (extension_id !== null)
    return { todo, evidence, request: patch('extensions', extension_id, { caller_id: '' }, ['caller_id']) }
  return {
    todo,
    evidence,
    request: trunk_id === null ? null : patch('trunks', trunk_id, { caller_ids: [] }, ['caller_ids']),
  }
}

function credentials(todo: string) {
  return ({ call, providers }: CallFacts): Advice => {
    const carrier = triedAt(call, providers)
    return {
      todo,
      request: ofCarrier(carrier, ({ id, username }) =>
        patch('providers', id, { username: username ?? '', password: '' }, ['username', 'password']),
      ),
      evidence: { provider: carrier?.name ?? null, username: carrier?.username ?? null },
    }
  }
}

function codecs({ call, providers, callee }: CallFacts): Advice {
  const carrier = triedAt(call, providers)
  const narrowed = carrier ? carrier.codecs !== '' : (callee?.codecs ?? '') !== ''
  const request =
    ofCarrier(carrier, ({ id }) => patch('providers', id, { codecs: '' })) ??
    (callee && patch('extensions', callee.id, { codecs: '' }))
  return {
    todo: narrowed
      ? 'Offer all codecs again, or those which the other side takes.'
      : 'Allow PCMU or PCMA in the caller’s device: every side takes one of these.',
    request: narrowed ? request : null,
    evidence: {
      offered: call.media?.from_caller.codecs ?? [],
      configured: carrier?.codecs ?? callee?.codecs ?? '',
    },
  }
}

function relayGone(todo: string) {
  return ({ call, relay_alive }: CallFacts): Advice => ({
    todo,
    evidence: { relay_id: call.relay_id, relay_alive },
  })
}

function trial({ call, providers }: CallFacts): Remedy | null {
  return ofCarrier(triedAt(call, providers), ({ id }) => post(`providers/${id}/test`, { type: 'options' }))
}

/** The provider which was tried last; where each was passed over, the last of those; undefined: there was none. */
function triedAt(call: CallFacts['call'], providers: CallFacts['providers']): CarrierFacts | undefined {
  const last = lastTried(call)
  return providers.find(({ id }) => id === last?.provider_id)
}

function lastTried({ attempts }: CallFacts['call']): Attempt | undefined {
  const all = attempts.filter(({ provider_id }) => provider_id !== null)
  return all.findLast(({ counts }) => counts) ?? all.at(-1)
}

/** Another's is not for the customer to change. */
function ofCarrier(
  carrier: CarrierFacts | undefined,
  request: (carrier: CarrierFacts) => Remedy,
): Remedy | null {
  return carrier?.own ? request(carrier) : null
}
