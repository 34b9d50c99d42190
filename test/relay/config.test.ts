import { describe, expect, test } from 'vitest'
import { readConfig } from '../../relay/config.ts'

const least = { EDGE_URL: 'http://127.0.0.1:8787', RELAY_KEY: `rk_berlin-1.${'w'.repeat(43)}` }

describe('the settings of a relay', () => {
  test('take no TLS connections unless a certificate and its key are named', () => {
    expect(config({}).tls).toBeUndefined()
    expect(config({ TLS_CERT: '', TLS_KEY: '', SIP_TLS_PORT: '5071' }).tls).toBeUndefined()
    const both = { TLS_CERT: '/etc/tls/cert.pem', TLS_KEY: '/etc/tls/key.pem' }
    expect(config(both).tls).toEqual({ port: 5061, cert: '/etc/tls/cert.pem', key: '/etc/tls/key.pem' })
    expect(config({ ...both, TLS_CERT_DIR: '/etc/tls/names' }).tls).toMatchObject({
      folder: '/etc/tls/names',
    })
    expect(config({ ...both, SIP_TLS_PORT: '5071' }).tls).toMatchObject({ port: 5071 })
  })

  test('take no WebSockets unless a port is named, and let any page in unless origins are', () => {
    const proxies: string[] = []
    expect(config({}).webSockets).toEqual({ proxies })
    expect(config({ SIP_WS_PORT: '8080', SIP_WS_PROXIES: '2001:DB8::5' }).webSockets).toEqual({
      port: 8080,
      proxies: ['2001:db8::5'],
    })
    const both = { TLS_CERT: 'a', TLS_KEY: 'b', SIP_WSS_PORT: '443' }
    expect(config({ ...both, SIP_WS_ORIGINS: 'https://a.example, http://b.example:81' }).webSockets).toEqual({
      securePort: 443,
      origins: ['https://a.example', 'http://b.example:81'],
      proxies,
    })
  })

  test('name SIP proxies which are trusted: none unless they are', () => {
    expect(config({}).trustedProxies).toEqual([])
    expect(config({ TRUSTED_PROXIES: '203.0.113.5, 2001:db8::5' }).trustedProxies).toEqual([
      '203.0.113.5',
      '2001:db8::5',
    ])
  })

  test('name proxies which say on whose behalf they connect: none unless they are', () => {
    expect(config({}).streamProxies).toEqual([])
    expect(config({ SIP_TCP_PROXIES: '203.0.113.5 2001:DB8::5' }).streamProxies).toEqual([
      '203.0.113.5',
      '2001:db8::5',
    ])
  })

  test('let sound past to phones at other relays between public addresses, unless they say more or none', () => {
    const reach = (said?: string) => config(said === undefined ? {} : { NEIGHBOUR_MEDIA: said }).straight
    expect([reach(), reach('auto'), reach('straight'), reach('through')]).toEqual([
      'public',
      'public',
      'any',
      undefined,
    ])
    const wrong = readConfig({ ...least, NEIGHBOUR_MEDIA: 'around' })
    expect(wrong.ok ? [] : wrong.faults).toEqual([expect.stringContaining('NEIGHBOUR_MEDIA must be')])
  })

  test('name an rtpengine, and where it tells of keys', () => {
    expect(config({}).rtpengine).toBeUndefined()
    expect(config({ MEDIA_ENGINE: 'rtpengine://192.0.2.4:2223' }).rtpengine).toEqual({
      host: '192.0.2.4',
      port: 2223,
    })
    expect(config({ MEDIA_ENGINE: 'rtpengine://[::1]:2223/?digits=[::1]:2224' }).rtpengine).toEqual({
      host: '::1',
      port: 2223,
      digits: { host: '::1', port: 2224 },
    })
  })

  test.each<[Record<string, string>, string]>([
    [{ TLS_CERT: 'a' }, 'TLS_CERT and TLS_KEY go together, and TLS_KEY is missing'],
    [{ TLS_KEY: 'a' }, 'TLS_CERT and TLS_KEY go together, and TLS_CERT is missing'],
    [
      { TLS_CERT_DIR: 'a' },
      'TLS_CERT_DIR needs TLS_CERT and TLS_KEY besides, shown to who asks for none of its names',
    ],
    [
      { EDGE_URL: 'https://api.example.com/v1.0/' },
      'EDGE_URL must be the edge\'s address before /v1.0, such as https://api.example.com, not "https://api.example.com/v1.0/"',
    ],
    [
      { EDGE_URL: 'http://api.example.com/relay/v1' },
      'EDGE_URL must be the edge\'s address before /v1.0, such as https://api.example.com, not "http://api.example.com/relay/v1"',
    ],
    [
      { EDGE_URL: 'api.example.com' },
      'EDGE_URL must be the edge\'s address before /v1.0, such as https://api.example.com, not "api.example.com"',
    ],
    [{ SIP_WSS_PORT: '443' }, 'SIP_WSS_PORT needs a certificate: TLS_CERT and TLS_KEY'],
    [{ SIP_WS_PORT: 'all' }, 'SIP_WS_PORT must be a whole number from 0 to 65535, not "all"'],
    [
      { SIP_WS_ORIGINS: 'phone.example' },
      'SIP_WS_ORIGINS must be origins like https://console.example.com, comma between several, or *, not "phone.example"',
    ],
    [{ PUBLIC_IP: '203.0.113' }, 'PUBLIC_IP must be an IP address, not "203.0.113"'],
    [
      { TRUSTED_PROXIES: 'proxy.example.com' },
      'TRUSTED_PROXIES must be IP addresses with commas between, not "proxy.example.com"',
    ],
    [
      { SIP_TCP_PROXIES: '10.0.0.0/8' },
      'SIP_TCP_PROXIES must be IP addresses with commas between, not "10.0.0.0/8"',
    ],
    [{ BASE_DOMAIN: 'a b' }, 'BASE_DOMAIN must be a domain name, not "a b"'],
    [{ UNKNOWN_SOURCE: 'ignore' }, 'UNKNOWN_SOURCE must be one of refuse, silent, not "ignore"'],
    ...[
      'rtpengine',
      'rtpengine://media.example.com:2223',
      'rtpengine://192.0.2.4',
      'rtpengine://192.0.2.4:0',
      'rtpengine://192.0.2.4:2223?digits=there',
      'http://192.0.2.4:2223',
    ].map((wrong): [Record<string, string>, string] => [
      { MEDIA_ENGINE: wrong },
      `MEDIA_ENGINE must be rtpengine://<IP address>:<port of --listen-ng>, and ?digits=<its --dtmf-log-dest> to hear keys, not "${wrong}"`,
    ]),
    [{ REGION: 'Berlin' }, 'REGION must be small letters, digits and dashes, 40 at most, not "Berlin"'],
    [
      { METRICS_PORT: '9464', METRICS_HOST: '0.0.0.0' },
      'METRICS_TOKEN must be set where METRICS_HOST is not this machine alone',
    ],
    [{ METRICS_TOKEN: 'short' }, 'METRICS_TOKEN must be 16 visible ASCII characters or more'],
    [
      { HEP_SERVER: 'homer.example.com' },
      'HEP_SERVER must be an IP address with a port, such as 192.0.2.9:9060, not "homer.example.com"',
    ],
    [{ SIP_TLS_PORT: 'x' }, 'SIP_TLS_PORT must be a whole number from 0 to 65535, not "x"'],
  ])('%j are complained about', (settings, fault) => {
    expect(readConfig({ ...least, ...settings })).toEqual({ ok: false, faults: [fault] })
  })
})

function config(settings: Record<string, string>) {
  const read = readConfig({ ...least, ...settings })
  if (!read.ok) throw new Error(read.faults.join('; '))
  return read.config
}
