import { describe, expect, test } from 'vitest'
import { fromAsterisk } from '../../../functions/command/asterisk.ts'
import { fromTwilio } from '../../../functions/command/twilio.ts'

const pjsip = `
[transport-udp]
type=transport ; where it listens
protocol=udp

[phone](!)
type=endpoint
context=from-internal
disallow=all
allow=alaw,ulaw,h264
dtmf_mode=rfc4733

[alice](phone)
auth=alice-auth
aors=alice
callerid="Alice Example" <6001>
media_encryption=sdes

[alice-auth]
type=auth
auth_type=userpass
username=6001
password=se\\;cret

[alice]
type=aor
max_contacts=3

[bob](phone)
auth=bob
aors=bob
[bob]
type=auth
auth_type=md5
md5_cred=0123456789abcdef0123456789abcdef

[telnyx]
type=registration
server_uri=sip:sip.telnyx.com:5061\\;transport=tls
client_uri=sip:acme@sip.telnyx.com
outbound_auth=telnyx-auth
[telnyx-auth]
type=auth
username=acme
password=carrier-password
[telnyx]
type=endpoint
outbound_auth=telnyx-auth
aors=telnyx
[telnyx]
type=aor
contact=sip:sip.telnyx.com:5061

[by-address]
type=endpoint
aors=by-address
[by-address]
type=aor
contact=sip:192.0.2.10
[by-address]
type=identify
endpoint=by-address
match=192.0.2.10, 192.0.2.0/28

[lost]
type=endpoint
aors=lost

#include pjsip_custom.conf
`

describe('pjsip.conf of an Asterisk', () => {
  const { file, left } = fromAsterisk(pjsip)

  test('has its phones as extensions, by what they prove themselves, with templates and passwords', () => {
    expect(file.extensions).toEqual([
      {
        name: 'Alice Example',
        extension: '6001',
        password: 'se;cret',
        max_contacts: 3,
        codecs: 'PCMA,PCMU',
        dtmf: 'rfc4733',
        secure: 'required',
      },
      {
        name: 'bob',
        extension: 'bob',
        password: { env: 'EXTENSIONS_BOB_PASSWORD' },
        codecs: 'PCMA,PCMU',
        dtmf: 'rfc4733',
      },
    ])
  })

  test('has those where it registers, and those which call from an address alone, as providers', () => {
    expect(file.providers).toEqual([
      {
        name: 'telnyx',
        hostname: 'sip.telnyx.com',
        port: 5061,
        transport: 'tls',
        username: 'acme',
        password: 'carrier-password',
        register: true,
        inbound_addresses: [],
      },
      {
        name: 'by-address',
        hostname: '192.0.2.10',
        register: false,
        inbound_addresses: ['192.0.2.10', '192.0.2.0/28'],
      },
    ])
  })

  test('says what of it was left out', () => {
    expect(left).toEqual([
      '#include pjsip_custom.conf',
      'endpoint alice: context',
      'endpoint bob: context',
      'endpoint lost: neither proves itself by a password nor is at an address',
      'the dialplan (extensions.conf): make routes, numbers and flows',
    ])
  })

  test('goes on with a section where that is said, and not with the one before', () => {
    const more = `
[6001]
type=endpoint
auth=6001
[6001]
type=auth
username=6001
password=first
[6002]
type=endpoint
auth=6002
[6002]
type=auth
username=6002
password=second
[6001](+)
callerid="Desk" <6001>
[6001](+type=auth)
password=changed
[6009](+)
password=of-none
`
    const { file, left } = fromAsterisk(more)
    expect(file.extensions).toEqual([
      { name: 'Desk', extension: '6001', password: 'changed' },
      { name: '6002', extension: '6002', password: 'second' },
    ])
    expect(left[0]).toBe('[6009](+): no such section is before it')
  })

  test('is nothing where it is empty', () => {
    expect(fromAsterisk('').file).toEqual({ trunkline: 1, providers: [], extensions: [] })
  })
})

describe('trunks of Twilio', () => {
  const trunk = {
    sid: 'TK1',
    friendly_name: 'Main',
    domain_name: 'acme.pstn.twilio.com',
    secure: true,
    cnam_lookup_enabled: true,
    recording: null,
    phone_numbers: [{ phone_number: '+15557654321', friendly_name: 'Office' }],
    origination_urls: [{ sip_url: 'sip:pbx.example.com' }],
  }

  test('are providers with a route and their numbers', () => {
    const { file, left } = fromTwilio(JSON.stringify({ trunks: [trunk] }))
    expect(file).toEqual({
      trunkline: 1,
      providers: [
        {
          name: 'Main',
          hostname: 'acme.pstn.twilio.com',
          transport: 'tls',
          secure: 'required',
          username: 'Main',
          password: { env: 'PROVIDERS_MAIN_PASSWORD' },
        },
      ],
      numbers: [{ number: '+15557654321', name: 'Office' }],
      routes: [{ name: 'Main', provider_id: '@providers/Main', priority: 1 }],
    })
    expect(left.join('\n')).toMatch(/sip:pbx\.example\.com[\s\S]*trunk Main: cnam_lookup_enabled\n/)
  })

  test('of one name lead each to its own provider, with its own password', () => {
    const { file } = fromTwilio(JSON.stringify([trunk, { ...trunk, domain_name: 'b.pstn.twilio.com' }]))
    expect(file.routes).toEqual([
      { name: 'Main', provider_id: '@providers/Main', priority: 1 },
      { name: 'Main', provider_id: '@providers/Main#2', priority: 2 },
    ])
    expect(file.providers).toMatchObject([
      { hostname: 'acme.pstn.twilio.com', password: { env: 'PROVIDERS_MAIN_PASSWORD' } },
      { hostname: 'b.pstn.twilio.com', password: { env: 'PROVIDERS_MAIN__2_PASSWORD' } },
    ])
  })

  test.each([
    ['{}', 'There is no trunk in the file'],
    ['[{"sid":"TK1"}]', 'The trunk TK1 has no domain_name'],
    ['{', 'The file is no JSON'],
  ])('which are %s are refused in a sentence', (text, sentence) => {
    expect(() => fromTwilio(text)).toThrow(sentence)
  })
})
