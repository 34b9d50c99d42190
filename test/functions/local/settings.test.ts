import { describe, expect, test } from 'vitest'
import { readSettings } from '../../../functions/local/settings.ts'

describe('the settings of a local stack', () => {
  test('need nobody to say anything', () => {
    const { settings, wrong } = readSettings({})
    expect(wrong).toEqual([])
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 8787,
      sipHost: '127.0.0.1',
      sipPort: 5060,
      rtpPorts: '10000-19999',
      publicIp: '127.0.0.1',
      baseDomain: 'trunkline.localhost',
      databaseUrl: undefined,
      logLevel: 'info',
    })
    expect(settings.folder).toMatch(/\/\.trunkline$/)
  })

  test('name the files of a certificate from where it is started', () => {
    expect(readSettings({}).settings).toMatchObject({
      sipTlsPort: 5061,
      tlsCert: undefined,
      tlsKey: undefined,
    })
    const { settings } = readSettings({ TLS_CERT: 'cert.pem', TLS_KEY: '/etc/key.pem', SIP_TLS_PORT: '5071' })
    expect(settings).toMatchObject({ sipTlsPort: 5071, tlsKey: '/etc/key.pem' })
    expect(settings.tlsCert).toBe(`${process.cwd()}/cert.pem`)
  })

  test('take an empty value for none', () => {
    expect(readSettings({ PORT: '', DATABASE_URL: ' ', RTP_ENGINE: '' })).toMatchObject({
      settings: { port: 8787, databaseUrl: undefined },
      wrong: [],
    })
  })

  test('are all complained about at once, each with the word it was given', () => {
    const { wrong } = readSettings({ PORT: '70000', SIP_HOST: 'localhost', LOG_LEVEL: 'loud' })
    expect(wrong).toHaveLength(3)
    expect(wrong.join(' ')).toMatch(/SIP_HOST .*"localhost".*PORT .*"70000".*LOG_LEVEL .*"loud"/)
  })

  test.each([
    ['PORT', '0'],
    ['PORT', '80a'],
    ['SIP_PORT', '65536'],
    ['SIP_TLS_PORT', '0'],
    ['RTP_PORTS', '10000'],
    ['RTP_PORTS', '20000-10000'],
    ['RTP_PORTS', '80-90'],
    ['PUBLIC_IP', '0.0.0.0'],
    ['PUBLIC_IP', 'sip.example.com'],
    ['BASE_DOMAIN', 'a..b'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['DATABASE_URL', 'postgres://localhost'],
    ['RTP_ENGINE', 'magic'],
    ['CORS_ORIGINS', 'console.example.com'],
    ['CORS_ORIGINS', 'https://console.example.com/'],
    ['RATE_LIMIT_KEY', '-1'],
    ['RATE_LIMIT_ADDRESS', 'many'],
    ['UNKNOWN_SOURCE', 'shout'],
  ])('refuse %s=%s', (name, value) => {
    expect(readSettings({ [name]: value }).wrong).toEqual([expect.stringContaining(`${name} must be`)])
  })

  test.each([
    ['RTP_PORTS', ' 30000 - 30099 ', { rtpPorts: '30000-30099' }],
    ['SIP_HOST', '::1', { sipHost: '::1', publicIp: '::1', sipAddress: '::1' }],
    ['DATABASE_URL', 'postgres://a:b@db.example:5432/x?sslmode=require', {}],
    ['LOG_LEVEL', 'debug', { logLevel: 'debug' }],
    ['BASE_DOMAIN', 'Example.com', { baseDomain: 'example.com' }],
  ])('understand %s=%s', (name, value, meant) => {
    expect(readSettings({ [name]: value })).toMatchObject({ settings: meant, wrong: [] })
  })

  test('choose an address to be told to phones when SIP listens on all of them, and own up to it', () => {
    const { settings } = readSettings({ SIP_HOST: '0.0.0.0' })
    expect(settings.publicIpGuessed).toBe(true)
    expect(settings.publicIp).not.toBe('0.0.0.0')
    expect(readSettings({ SIP_HOST: '0.0.0.0', PUBLIC_IP: '192.0.2.7' }).settings).toMatchObject({
      publicIp: '192.0.2.7',
      publicIpGuessed: false,
    })
  })
})
