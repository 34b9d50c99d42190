import { type CallsInSum, callsInSum } from './account.ts'
import { type DiagnosisVerdict, type Finding, found, patch, post, type Remedy, summed } from './finding.ts'
import type { ProviderHealthFacts, RefusedAtDoor } from './provider-facts.ts'

/** Tries from which on a share of them says something; and the share of answered ones (ASR) below which something is wrong. */
const triesAtLeast = 20
const asrAtLeast = 0.4

/** What is wrong with a provider, as far as relays and calls tell. */
export function diagnoseProvider(facts: ProviderHealthFacts): {
  verdict: DiagnosisVerdict
  findings: Finding[]
  calls: CallsInSum
} {
  const findings = facts.provider.enabled
    ? [...registered(facts), ...reached(facts), ...led(facts), ...succeeding(facts), ...atTheDoor(facts)]
    : [disabled(facts)]
  return { ...summed(findings), calls: callsInSum(facts.calls) }
}

function disabled({ provider }: ProviderHealthFacts): Finding {
  return found(
    'PROVIDER_DISABLED',
    `The provider ${provider.name} is disabled: no call goes there.`,
    'Enable it.',
    {
      severity: 'error',
      request: own(provider, patch('providers', provider.id, { enabled: true })),
    },
  )
}

function registered({ provider, registration }: ProviderHealthFacts): Finding[] {
  if (!provider.register || !registration) return []
  const { status, why } = registration
  const evidence = { ...registration, username: provider.username }
  if (status === 'auth_failed')
    return [
      found(
        'CREDENTIALS_REFUSED',
        `The provider ${provider.name} refuses our registration: ${ended(why)}`,
        'Set the username and password which it gave out; its realm too, if it names another than its host.',
        {
          severity: 'error',
          evidence,
          request: own(
            provider,
            patch('providers', provider.id, { username: provider.username ?? '', password: '' }, [
              'username',
              'password',
            ]),
          ),
        },
      ),
    ]
  if (status !== 'failed') return []
  return [
    found(
      'REGISTRATION_FAILED',
      `Our registration at ${provider.name} failed: ${ended(why)}`,
      'See that hostname, port and transport are right, and that it expects us to register.',
      {
        severity: 'error',
        evidence,
        request: own(provider, post(`providers/${provider.id}/test`, { type: 'options' })),
      },
    ),
  ]
}

/** Whether it is found, answers, and did so when it was tried. */
function reached({ provider, health, not_found, test }: ProviderHealthFacts): Finding[] {
  const trial = own(provider, post(`providers/${provider.id}/test`, { type: 'options' }))
  if (not_found.length > 0)
    return [
      found(
        'HOST_NOT_FOUND',
        `The provider ${provider.name} cannot be found at ${provider.hostname}: ${ended(not_found[0]?.why ?? '')}`,
        'Correct the host name, or its DNS records (A, AAAA, SRV).',
        {
          severity: 'error',
          evidence: { hostname: provider.hostname, relays: not_found },
          request: own(
            provider,
            patch('providers', provider.id, { hostname: provider.hostname }, ['hostname']),
          ),
        },
      ),
    ]
  if (health?.status === 'unhealthy' || health?.status === 'half_open')
    return [
      found(
        'PROVIDER_UNHEALTHY',
        `The provider ${provider.name} is not well since ${health.since}: ${ended(health.why)}`,
        'See that it is up and lets SIP of ours through; other providers are tried first meanwhile.',
        {
          severity: 'error',
          evidence: { ...health },
          request: trial,
        },
      ),
    ]
  if (test && !test.ok)
    return [
      found(
        'LAST_TEST_FAILED',
        `Its last trial failed: ${ended(test.verdict)}`,
        'Mend what the trial says, and try once more.',
        { evidence: { ...test }, request: trial },
      ),
    ]
  return []
}

function led({ provider, routes }: ProviderHealthFacts): Finding[] {
  if (routes > 0) return []
  return [
    found(
      'NO_ROUTE_LEADS_HERE',
      `No enabled route leads to ${provider.name}: no call goes out there.`,
      'Make a route, unless it only brings calls in.',
      {
        severity: 'info',
        request: post('routes', {
          name: provider.name,
          provider_id: provider.id,
          target: 'all',
          priority: 1,
        }),
      },
    ),
  ]
}

function succeeding({ provider, day }: ProviderHealthFacts): Finding[] {
  const { attempts, answered, failures } = day
  const failed = Object.values(failures).reduce((sum, times) => sum + times, 0)
  if (attempts < triesAtLeast || failed / attempts < 1 - asrAtLeast) return []
  const [worst = ''] = Object.entries(failures).sort(([, one], [, other]) => other - one)[0] ?? []
  return [
    found(
      'CALLS_FAIL_HERE',
      `${failed} of ${attempts} tries at ${provider.name} failed within a day, most by ${worst}.`,
      'Ask the provider what it minds, with the sip_call_id of such a call.',
      {
        evidence: { attempts, answered, failures },
      },
    ),
  ]
}

/** Calls which may have been its, one finding for each reason and place. */
function atTheDoor({ provider, refused }: ProviderHealthFacts): Finding[] {
  const told = new Map<string, Finding>()
  for (const one of refused) {
    const key = `${one.reason} ${one.source_address} ${one.to}`
    if (!told.has(key)) told.set(key, refusedCall(provider, one))
  }
  return [...told.values()].slice(0, 10)
}

function refusedCall(provider: ProviderHealthFacts['provider'], refused: RefusedAtDoor): Finding {
  const { reason, why, to, source_address } = refused
  const evidence = { ...refused }
  if (reason === 'NUMBER_NOT_FOUND')
    return found(reason, ended(why), 'List the number, and say whom it rings.', {
      evidence,
      request: to === null ? null : post('numbers', { number: to, extension_id: '' }, ['extension_id']),
    })
  if (reason !== 'UNKNOWN_SOURCE')
    return found(reason, ended(why), 'See what the caller sends, and what the rule beside it asks for.', {
      evidence,
    })
  const listed = [...new Set([...provider.inbound_addresses, source_address ?? ''])].filter(Boolean)
  return found(
    reason,
    `A call for a number of yours from ${source_address} was refused: ${ended(why)}`,
    `If the address is one of ${provider.name}, list it; else a stranger tried.`,
    {
      evidence,
      request: own(provider, patch('providers', provider.id, { inbound_addresses: listed })),
    },
  )
}

/** Another's is not for the customer to change. */
function own({ own: mine }: { own: boolean }, request: Remedy): Remedy | null {
  return mine ? request : null
}

function ended(words: string): string {
  return /[.!?]$/.test(words) ? words : `${words}.`
}
