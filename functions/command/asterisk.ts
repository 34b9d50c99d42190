import { type ConfigurationFile, type ThingSettings, variableOf } from './configuration.ts'

/** A section of pjsip.conf with what its templates say before it. */
interface PjsipSection {
  readonly name: string
  readonly options: readonly (readonly [string, string])[]
}

/** What of an endpoint is carried over, or means nothing here; all else is told as left out. */
const understood = new Set([
  ...[
    'type',
    'auth',
    'aors',
    'outbound_auth',
    'allow',
    'disallow',
    'callerid',
    'media_encryption',
    'dtmf_mode',
  ],
  ...[
    'transport',
    'direct_media',
    'rtp_symmetric',
    'force_rport',
    'rewrite_contact',
    'ice_support',
    'from_domain',
  ],
])

const codecNames: Readonly<Record<string, string>> = {
  ...{
    ulaw: 'PCMU',
    alaw: 'PCMA',
    g722: 'G722',
    g729: 'G729',
    opus: 'opus',
    gsm: 'GSM',
    ilbc: 'iLBC',
    g726: 'G726-32',
  },
}
const dtmfNames: Readonly<Record<string, string>> = {
  rfc4733: 'rfc4733',
  inband: 'inband',
  info: 'info',
  auto: 'auto',
}

/**
 * An Asterisk's pjsip.conf as a configuration: endpoints to which it registers, or which call from an address alone, are
 * providers; those which prove themselves to it are extensions. What cannot be told is left out, and said.
 */
export function fromAsterisk(text: string): { file: ConfigurationFile; left: string[] } {
  const { sections, left } = sectionsOf(text)
  const found = new Pjsip(sections)
  const providers: ThingSettings[] = []
  const extensions: ThingSettings[] = []
  for (const endpoint of found.all('endpoint')) {
    const provider = providerOf(endpoint, found)
    const extension = provider ? undefined : extensionOf(endpoint, found)
    if (provider) providers.push(provider)
    else if (extension) extensions.push(extension)
    else left.push(`endpoint ${endpoint.name}: neither proves itself by a password nor is at an address`)
    const others = endpoint.options.map(([key]) => key).filter((key) => !understood.has(key))
    if (others.length > 0) left.push(`endpoint ${endpoint.name}: ${[...new Set(others)].join(', ')}`)
  }
  left.push(
    ...found.otherTypes().map((type) => `sections of type ${type}`),
    'the dialplan (extensions.conf): make routes, numbers and flows',
  )
  return { file: { trunkline: 1, providers, extensions }, left }
}

function providerOf(endpoint: PjsipSection, found: Pjsip): ThingSettings | undefined {
  const registration = found.all('registration').find((one) => belongs(one, endpoint))
  const identify = found.all('identify').filter((one) => last(one, 'endpoint') === endpoint.name)
  const aor = found.named('aor', last(endpoint, 'aors'))
  const uri = (registration && last(registration, 'server_uri')) ?? (aor && last(aor, 'contact'))
  const place = uri === undefined ? undefined : placeIn(uri)
  if (!place || (!registration && last(endpoint, 'auth') !== undefined)) return undefined
  const proof = found.named(
    'auth',
    last(endpoint, 'outbound_auth') ?? (registration && last(registration, 'outbound_auth')),
  )
  const addresses = identify.flatMap((one) => values(one, 'match')).flatMap((match) => match.split(/\s*,\s*/))
  return {
    name: endpoint.name,
    ...place,
    ...(proof && {
      username: last(proof, 'username') ?? endpoint.name,
      ...passwordOf(proof, 'providers', endpoint.name),
    }),
    register: registration !== undefined,
    inbound_addresses: addresses,
    ...shared(endpoint),
  }
}

/** Whether a registration is of an endpoint: by name, by `endpoint` and `line`, or since both prove themselves alike. */
function belongs(registration: PjsipSection, endpoint: PjsipSection): boolean {
  if (last(registration, 'endpoint') === endpoint.name || registration.name === endpoint.name) return true
  const proof = last(registration, 'outbound_auth')
  return proof !== undefined && proof === last(endpoint, 'outbound_auth')
}

function extensionOf(endpoint: PjsipSection, found: Pjsip): ThingSettings | undefined {
  const proof = found.named('auth', last(endpoint, 'auth'))
  if (!proof) return undefined
  const extension = last(proof, 'username') ?? endpoint.name
  const contacts = Number(
    found.named('aor', last(endpoint, 'aors'))?.options.findLast(([key]) => key === 'max_contacts')?.[1],
  )
  const [, name = ''] = /^"?([^"<]*?)"?\s*(?:<.*>)?$/.exec(last(endpoint, 'callerid') ?? '') ?? []
  return {
    name: name || endpoint.name,
    extension,
    ...passwordOf(proof, 'extensions', extension),
    ...(contacts >= 1 && contacts <= 20 && { max_contacts: contacts }),
    ...shared(endpoint),
  }
}

/** What is said alike of both. */
function shared(endpoint: PjsipSection): ThingSettings {
  const allowed = values(endpoint, 'allow').flatMap((list) => list.split(/\s*,\s*/))
  const codecs = allowed.flatMap((name) => codecNames[name.replace(/^!/, '').toLowerCase()] ?? [])
  const dtmf = dtmfNames[last(endpoint, 'dtmf_mode') ?? '']
  const encrypted = last(endpoint, 'media_encryption')
  return {
    ...(codecs.length > 0 && { codecs: codecs.join(',') }),
    ...(dtmf && { dtmf }),
    ...(encrypted === 'sdes' && { secure: 'required' }),
  }
}

/** A password as it stands there, or the variable which is to have it where only a hash of it does. */
function passwordOf(proof: PjsipSection, noun: string, name: string): ThingSettings {
  return { password: last(proof, 'password') ?? { env: variableOf(noun, name, 'password') } }
}

/** Where a SIP URI leads: `sip:sip.example.com:5061;transport=tls`. */
function placeIn(uri: string): ThingSettings | undefined {
  const [, secure, host, port, rest = ''] =
    /^sip(s?):(?:[^@]*@)?(\[[^\]]+\]|[^:;?]+)(?::(\d+))?(.*)$/i.exec(uri) ?? []
  if (host === undefined) return undefined
  const [, said] = /;transport=(udp|tcp|tls)/i.exec(rest.replace('\\;', ';')) ?? []
  const transport = secure ? 'tls' : said?.toLowerCase()
  return {
    hostname: host.replace(/[[\]]/g, ''),
    ...(port && { port: Number(port) }),
    ...(transport && { transport }),
  }
}

/** All that a file says, by type and name. */
class Pjsip {
  readonly #sections: readonly PjsipSection[]

  constructor(sections: readonly PjsipSection[]) {
    this.#sections = sections
  }

  all(type: string): PjsipSection[] {
    return this.#sections.filter((section) => last(section, 'type') === type)
  }

  /** undefined: there is none of that name. */
  named(type: string, name: string | undefined): PjsipSection | undefined {
    return this.all(type).find((section) => section.name === name)
  }

  otherTypes(): string[] {
    const known = [
      'endpoint',
      'aor',
      'auth',
      'identify',
      'registration',
      'transport',
      'global',
      'system',
      undefined,
    ]
    const types = this.#sections.map((section) => last(section, 'type'))
    return [...new Set(types.filter((type) => !known.includes(type)))] as string[]
  }
}

function values({ options }: PjsipSection, name: string): string[] {
  return options.filter(([key]) => key === name).map(([, value]) => value)
}

/** The last which is said; undefined: nothing is. */
function last(section: PjsipSection, name: string): string | undefined {
  return values(section, name).at(-1)
}

/** `[name](!)` is a template, `[name](one,two)` takes after such, `[name](+)` goes on with the first of that name. */
function sectionsOf(text: string): { sections: PjsipSection[]; left: string[] } {
  const sections: { name: string; template: boolean; options: [string, string][] }[] = []
  const left: string[] = []
  let current: (typeof sections)[number] | undefined
  for (const line of text
    .replace(/;--[\s\S]*?--;/g, '')
    .split(/\r?\n/)
    .map(uncommented)) {
    const [, name, after] = /^\[([^\]]+)\](?:\(([^)]*)\))?$/.exec(line) ?? []
    if (name !== undefined) {
      const marks = (after ?? '').split(',').map((mark) => mark.trim())
      const inherited = marks.flatMap(
        (mark) => sections.find((one) => one.template && one.name === mark)?.options ?? [],
      )
      const further = marks.find((mark) => mark.startsWith('+'))
      if (further === undefined) {
        current = { name, template: marks.includes('!'), options: [...inherited] }
        sections.push(current)
        continue
      }
      current = sections.find((one) => one.name === name && isMeant(one, further))
      current?.options.push(...inherited)
      if (!current) left.push(`${line}: no such section is before it`)
      continue
    }
    const [, key, value] = /^([\w-]+)\s*=>?\s*(.*)$/.exec(line) ?? []
    if (key !== undefined) current?.options.push([key.toLowerCase(), value ?? ''])
    else if (line.startsWith('#')) left.push(line)
  }
  return { sections: sections.filter(({ template }) => !template), left }
}

/** Whether a section is one of those which `+` speaks of: `+type=endpoint&context=office` of such as say so. */
function isMeant(section: PjsipSection, further: string): boolean {
  const said = further.slice(1).split('&').filter(Boolean)
  return said.every((one) => {
    const [key = '', ...value] = one.split('=')
    return last(section, key) === value.join('=')
  })
}

/** A line without its comment; `\;` is a semicolon. */
function uncommented(line: string): string {
  return line
    .replace(/(?<!\\);.*$/, '')
    .replaceAll('\\;', ';')
    .trim()
}
