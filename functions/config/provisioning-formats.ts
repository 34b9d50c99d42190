/*
 * What softphones read to set themselves up, each in its own XML. Linphone's was tried with linphonec 5.1; Zoiper's and
 * Acrobits' follow what their makers describe.
 */

/** What is typed into a phone, but for the password. */
export interface PhonePlace {
  readonly name: string
  readonly username: string
  /** Its domain, which is its realm. */
  readonly domain: string
  /** Where it connects, with a port where one is said. */
  readonly server: string
  readonly transport: string
}

/** The same with the password. */
export interface PhoneAccount extends PhonePlace {
  readonly password: string
}

/** Apps which have a format of their own. */
export const phoneApps = ['linphone', 'zoiper', 'acrobits'] as const
export type PhoneApp = (typeof phoneApps)[number]

/** What an app reads. */
export function settingsFor(app: PhoneApp, account: PhoneAccount): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${formats[app](account)}\n`
}

const formats: Record<PhoneApp, (account: PhoneAccount) => string> = { linphone, zoiper, acrobits }

/**
 * Its remote provisioning; by `transient_provisioning` it forgets the link, which leads nowhere a second time. It registers at
 * `reg_proxy`; its INVITEs go where the called domain leads (RFC 3263), or by the proxy which `reg_route` names.
 */
function linphone({ username, domain, password, server, transport, name }: PhoneAccount): string {
  const identity = `${quoted(name)}<sip:${username}@${domain}>`
  const route = server === domain ? {} : { reg_route: `<sip:${server};transport=${transport};lr>` }
  return element('config', { xmlns: 'http://www.linphone.org/xsds/lpconfig.xsd' }, [
    section('misc', { transient_provisioning: '1' }),
    section('sip', { default_proxy: '0' }),
    section('auth_info_0', { username, passwd: password, realm: domain, domain }),
    section('proxy_0', {
      reg_proxy: `<sip:${server};transport=${transport}>`,
      ...route,
      reg_identity: identity,
      reg_sendregister: '1',
    }),
  ])
}

function section(name: string, entries: Readonly<Record<string, string>>): string {
  return element(
    'section',
    { name, overwrite: 'true' },
    Object.entries(entries).map(([key, value]) => element('entry', { name: key, overwrite: 'true' }, value)),
  )
}

function zoiper({ name, username, domain, password, server, transport }: PhoneAccount): string {
  const account = {
    name: name || username,
    username,
    password,
    register_on_startup: 'true',
    protocol: 'SIP',
    SIP_domain: domain,
    SIP_transport_type: transport.toUpperCase(),
    SIP_use_outbound_proxy: String(server !== domain),
    SIP_outbound_proxy: server === domain ? '' : server,
  }
  return element('options', {}, [
    element('prov_version', {}, '1.14'),
    element('accounts', {}, [element('account', {}, elements(account))]),
  ])
}

function acrobits({ name, username, domain, password, server, transport }: PhoneAccount): string {
  const account = {
    title: name || username,
    username,
    password,
    host: domain,
    ...(server !== domain && { proxy: server }),
    transport: transport === 'tls' ? 'tls+sip:' : transport,
  }
  return element('account', {}, elements(account))
}

function elements(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts).map(([name, text]) => element(name, {}, text))
}

/** A text is put in as such; elements, which are a list, as they are. */
function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  inside: string | readonly string[],
): string {
  const said = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`)
  return `<${name}${said.join('')}>${typeof inside === 'string' ? escaped(inside) : inside.join('')}</${name}>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`)
}

/** A display name (RFC 3261 §25.1); nothing where there is none. */
function quoted(name: string): string {
  return name === '' ? '' : `"${name.replace(/[\\"]/g, (mark) => `\\${mark}`)}" `
}
