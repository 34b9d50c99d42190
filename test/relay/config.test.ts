import { describe, expect, test } from 'vitest'
import { readConfig } from '../../relay/config.ts'

const least = { EDGE_URL: 'http://127.0.0.1:8787', RELAY_KEY: `rk_berlin-1.${'w'.repeat(43)}` }

describe('the settings of a relay', () => {
  test('take no TLS connections unless a certificate and its key are named', () => {
    expect(config({}).tls).toBeUndefined()
    expect(config({ TLS_CERT: '', TLS_KEY: '', SIP_TLS_PORT: '5071' }).tls).toBeUndefined()
    const both = { TLS_CERT: '/etc/tls/cert.pem', TLS_KEY: '/etc/tls/key.pem' }
    expect(config(both).tls).toEqual({ port: 5061, cert: '/etc/tls/cert.pem', key: '/etc/tls/key.pem' })
    expect(config({ ...both, SIP_TLS_PORT: '5071' }).tls).toMatchObject({ port: 5071 })
  })

  test.each([
    [{ TLS_CERT: 'a' }, 'TLS_CERT and TLS_KEY go together, and TLS_KEY is missing'],
    [{ TLS_KEY: 'a' }, 'TLS_CERT and TLS_KEY go together, and TLS_CERT is missing'],
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
