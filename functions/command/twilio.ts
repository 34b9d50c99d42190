import { type ConfigurationFile, referencesOf, type ThingSettings, variablesOf } from './configuration.ts'
import { CommandFailure } from './failure.ts'

/** What of a trunk is carried over, or says nothing but who and when it is. */
const understood = new Set([
  ...['sid', 'account_sid', 'friendly_name', 'domain_name', 'secure', 'phone_numbers', 'origination_urls'],
  ...['url', 'links', 'date_created', 'date_updated', 'auth_type', 'auth_type_set'],
])

const noun = { noun: 'providers', named: 'name' }

/**
 * Twilio's Elastic SIP trunks as providers, each with a route, and their numbers: what `GET /v1/Trunks` answers, or a list of
 * trunks, each with `phone_numbers` and `origination_urls` put into it. What cannot be told is left out, and said.
 */
export function fromTwilio(text: string): { file: ConfigurationFile; left: string[] } {
  const left: string[] = []
  const trunks = trunksIn(text)
  const read = trunks.map((trunk) => providerOf(trunk, left))
  const [references, variables] = [referencesOf(noun, read), variablesOf(noun, read, 'password')]
  const providers = read.map((one, at) => ({ ...one, password: { env: variables[at] } }))
  const routes = providers.map(({ name }, at) => ({
    name,
    provider_id: references[at],
    priority: at + 1,
  }))
  const numbers = trunks.flatMap((trunk) => listIn(trunk, 'phone_numbers').map(numberOf))
  if (numbers.some(({ number }) => number !== undefined))
    left.push('whom numbers ring: set extension_id, trunk_id or call_flow_id')
  left.push('Twilio’s signalling addresses, from which its calls come: put them into inbound_addresses')
  return {
    file: { trunkline: 1, providers, numbers: numbers.filter(({ number }) => number !== undefined), routes },
    left,
  }
}

function providerOf(trunk: ThingSettings, left: string[]): ThingSettings & { name: string } {
  const name = String(trunk.friendly_name || trunk.domain_name || trunk.sid)
  const hostname = trunk.domain_name
  if (typeof hostname !== 'string' || hostname === '')
    throw new CommandFailure(
      'usage',
      `The trunk ${name} has no domain_name: switch its termination on first.`,
    )
  for (const { sip_url } of listIn(trunk, 'origination_urls'))
    left.push(`trunk ${name}: its calls in went to ${sip_url}; here a number’s trunk_id says so`)
  const others = Object.keys(trunk).filter(
    (key) => !understood.has(key) && trunk[key] !== null && trunk[key] !== false,
  )
  if (others.length > 0) left.push(`trunk ${name}: ${others.join(', ')}`)
  left.push(
    `trunk ${name}: user name and password of its credential list: set username, and password by the variable`,
  )
  return {
    name,
    hostname,
    ...(trunk.secure === true && { transport: 'tls', secure: 'required' }),
    username: name,
  }
}

function numberOf(said: ThingSettings): ThingSettings {
  return { number: said.phone_number, name: String(said.friendly_name ?? '') }
}

function trunksIn(text: string): ThingSettings[] {
  const read = parsed(text)
  const trunks = Array.isArray(read) ? read : listIn(Object(read), 'trunks')
  if (trunks.length === 0)
    throw new CommandFailure('usage', 'There is no trunk in the file: it has no list "trunks".')
  return trunks
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandFailure(
      'usage',
      `The file is no JSON: ${error instanceof Error ? error.message : error}`,
    )
  }
}

function listIn(of: ThingSettings, name: string): ThingSettings[] {
  const list = of[name]
  return Array.isArray(list) ? list.filter((one) => typeof one === 'object' && one !== null) : []
}
