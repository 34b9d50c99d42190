import { describe, expect, test } from 'vitest'
import { monotonicMs, type ProviderFacts, portNumber, type TestCommand } from '#contract'
import { type Ladder, type Party, party } from '../../support/ladder.ts'
import { answers, office, provider, telnyx, twilio } from '../../support/office.ts'
import { beats, configured, edgeSays, hears, knows, ownerId } from '../../support/providers.ts'
import { configuration, filed } from '../../support/snapshot.ts'

const commandId = '99999999-9999-4999-8999-999999999999'
const challenge = 'Digest realm="telnyx", nonce="n1", algorithm=MD5, qop="auth"'
const credentials = { username: 'trunk7', password: 'secret' }

describe('a provider tested by OPTIONS', () => {
  test('which answers is told with what, from where and how fast', () => {
    const ladder = tested()
    ladder.locate(telnyx).gives('OPTIONS to Telnyx').after(34)
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 200)).gives()
    expect(result(ladder)).toEqual({
      type: 'options',
      ok: true,
      status: 200,
      verdict: 'sip.telnyx.test answers: 200 OK from 203.0.113.1:5060 over UDP in 34 ms',
      steps: [
        { step: 'locate', ok: true, words: 'sip.telnyx.test is at 203.0.113.1:5060 over UDP', ms: 0 },
        { step: 'options', ok: true, words: '203.0.113.1:5060 over UDP: 200 OK', ms: 34 },
      ],
    })
    expect(ladder.notes.find(({ event }) => event === 'provider.tested')).toMatchObject({
      fields: { ok: true, type: 'options', status: 200 },
    })
  })

  test('has every address of it tried, though the first answers', () => {
    const ladder = tested()
    ladder.locate(telnyx, twilio).gives('OPTIONS to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 200)).gives('OPTIONS to Twilio')
    expect(said(ladder)).toBeUndefined()
    ladder.after(0).whatever().after(2_999).whatever().after(1).gives()
    expect(result(ladder)).toMatchObject({ ok: true, status: 200 })
    expect(said(ladder)).toMatch(
      /^sip.telnyx.test answers: 200 OK from .*; nobody answers at 203.0.113.2:5060 over UDP: no response in 3 s$/,
    )
  })

  test('which is silent is told where and for how long', () => {
    const ladder = tested()
    ladder.locate(telnyx).whatever().after(3_000).whatever()
    expect(said(ladder)).toBe('nobody answers at 203.0.113.1:5060 over UDP: no response in 3 s')
    expect(ladder.engine.load.transactions).toBe(0)
  })

  test('whose certificate is wrong is told so', () => {
    const over = party('Telnyx', '203.0.113.1', 5061, 'tls')
    const ladder = tested({}, {}, [over])
    ladder.locate(over).gives('OPTIONS to Telnyx')
    ladder.hear({ type: 'unsent', flow: over.flow, why: 'its certificate is for x, not sip.telnyx.test' })
    expect(said(ladder)).toBe(
      'nobody answers at 203.0.113.1:5061 over TLS: its certificate is for x, not sip.telnyx.test',
    )
  })

  test('which cannot be found is told in the words of the DNS', () => {
    const ladder = tested()
    ladder.answer({ ask: 'locate', answer: { flows: [], why: 'DNS gave no answer: ENOTFOUND' } })
    expect(said(ladder)).toBe('sip.telnyx.test cannot be found: DNS gave no answer: ENOTFOUND')
  })

  test('which does not know us is asked about our address', () => {
    const ladder = tested()
    ladder.locate(telnyx).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 403)).gives()
    expect(result(ladder)).toMatchObject({ ok: false, status: 403 })
    expect(said(ladder)).toBe(
      'sip.telnyx.test does not know us: 403 Forbidden; is our address 198.51.100.1 on its list?',
    )
  })

  test('which asks for credentials is given ours, and taken at its word', () => {
    const ladder = challenged(tested(credentials))
    ladder.gives('OPTIONS to Telnyx')
    const proved = ladder.lastRequest(telnyx)
    expect(proved.header('authorization')).toContain('username="trunk7"')
    expect(proved.cseq.number).toBe(2)
    ladder.when(telnyx, answers(proved, telnyx, 200)).gives()
    expect(said(ladder)).toMatch(/^sip.telnyx.test asks for credentials and takes ours: 200 OK/)
  })

  test('which refuses our credentials is not asked again', () => {
    const ladder = challenged(challenged(tested(credentials)).whatever()).gives()
    expect(said(ladder)).toBe(
      'sip.telnyx.test asks for credentials and refuses ours: 401 Unauthorized; are username and password right?',
    )
  })

  test.each([
    [{}, 'asks for credentials for realm "telnyx", and the provider has none: 401 Unauthorized'],
    [
      { ...credentials, realm: 'other' },
      'asks for credentials for realm "telnyx", and ours are for realm "other": 401 Unauthorized',
    ],
  ])('which asks for credentials we do not have (%j) is told so', (facts, words) => {
    const ladder = challenged(tested(facts)).gives()
    expect(said(ladder)).toBe(`sip.telnyx.test ${words}`)
  })

  test('which is out of service is told so', () => {
    const ladder = tested()
    ladder.locate(telnyx).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 503)).gives()
    expect(result(ladder)).toMatchObject({ ok: false, status: 503 })
    expect(said(ladder)).toMatch(/^sip.telnyx.test answers, but does not serve: 503 Service Unavailable/)
  })
})

describe('a provider tested by a call', () => {
  const toBob = { type: 'call', to: '+15551234567' } as const

  test('which rings is cancelled at once, and told with the delay', () => {
    const ladder = tested({ tech_prefix: '77' }, toBob)
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    const invite = ladder.lastRequest(telnyx)
    expect(invite.requestUri).toBe('sip:77+15551234567@sip.telnyx.test')
    expect(new TextDecoder().decode(invite.body)).toMatch(/m=audio 1\d{4} RTP\/AVP 0 8\r\n/)
    ladder
      .after(100)
      .when(telnyx, answers(invite, telnyx, 100))
      .gives()
    ladder
      .after(1_100)
      .when(telnyx, answers(invite, telnyx, 180))
      .gives('CANCEL to Telnyx')
    expect(result(ladder)).toMatchObject({ type: 'call', ok: true, status: 180 })
    expect(said(ladder)).toBe(
      'sip.telnyx.test takes the call, it rings after 1.2 s: 180 Ringing from 203.0.113.1:5060 over UDP',
    )
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'CANCEL'), telnyx, 200)).gives()
    ladder.when(telnyx, answers(invite, telnyx, 487)).gives('ACK to Telnyx')
    nothingStays(ladder)
  })

  test('is called as it writes numbers, by the number that was asked for', () => {
    const formats = { called_format: 'national', calling_format: 'e164', country: 'GB' }
    const ladder = tested(formats, { type: 'call', to: '+442079460018', from: '+15557654321' })
    ladder.locate(telnyx).whatever()
    const invite = ladder.lastRequest(telnyx)
    expect(invite.target?.user).toBe('02079460018')
    expect(invite.from.sip?.user).toBe('15557654321')
  })

  test('which answers at once is thanked and hung up', () => {
    const ladder = tested({}, toBob)
    ladder.locate(telnyx).whatever()
    const invite = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(invite, telnyx, 200)).gives('ACK to Telnyx', 'BYE to Telnyx')
    expect(said(ladder)).toMatch(/takes the call, it is answered after 0.0 s: 200 OK/)
    ladder.when(telnyx, answers(invite, telnyx, 200)).gives('ACK to Telnyx')
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'BYE'), telnyx, 200)).gives()
    nothingStays(ladder)
  })

  test('which answers although it was cancelled is hung up all the same', () => {
    const ladder = tested({}, toBob)
    ladder.locate(telnyx).whatever()
    const invite = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(invite, telnyx, 183)).gives('CANCEL to Telnyx')
    ladder.when(telnyx, answers(invite, telnyx, 200)).gives('ACK to Telnyx', 'BYE to Telnyx')
    nothingStays(ladder)
  })

  test('whose forks both answer has each hung up, once', () => {
    const ladder = tested({}, toBob)
    ladder.locate(telnyx).whatever()
    const invite = ladder.lastRequest(telnyx)
    for (const tag of ['a', 'b']) {
      ladder.when(telnyx, answers(invite, telnyx, 200, { tag })).gives('ACK to Telnyx', 'BYE to Telnyx')
      expect(ladder.lastRequest(telnyx, 'BYE').to.tag).toBe(tag)
    }
    ladder.when(telnyx, answers(invite, telnyx, 200, { tag: 'a' })).gives('ACK to Telnyx')
    nothingStays(ladder)
  })

  test('whose sound has to be encrypted is offered SRTP, by the same keys when it asks who we are', () => {
    const over = party('Telnyx', '203.0.113.1', 5061, 'tls')
    const ladder = tested({ ...credentials, secure: 'required', transport: 'tls' }, toBob, [over])
    ladder.locate(over).gives('INVITE to Telnyx')
    const first = ladder.lastRequest(over)
    const offered = new TextDecoder().decode(first.body)
    expect(offered).toMatch(/m=audio 1\d{4} RTP\/SAVP 0 8\r\n/)
    expect(offered).toMatch(/a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:/)
    const headers: [string, string][] = [['www-authenticate', challenge]]
    ladder.when(over, answers(first, over, 401, { headers })).gives('ACK to Telnyx', 'INVITE to Telnyx')
    const proved = ladder.lastRequest(over, 'INVITE')
    expect(new TextDecoder().decode(proved.body)).toBe(offered)
    ladder.when(over, answers(proved, over, 180)).gives('CANCEL to Telnyx')
    expect(result(ladder)).toMatchObject({ ok: true, status: 180 })
  })

  test('which wants SRTP and nothing else is offered that, once', () => {
    const ladder = tested({}, toBob)
    ladder.locate(telnyx).whatever()
    const headers: [string, string][] = [['warning', '399 t "SRTP is required"']]
    const refuse = () => {
      ladder.when(telnyx, answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, 488, { headers }))
      return ladder
    }
    refuse().gives('ACK to Telnyx', 'INVITE to Telnyx')
    const again = ladder.lastRequest(telnyx, 'INVITE')
    expect(again.cseq.number).toBe(2)
    expect(new TextDecoder().decode(again.body)).toContain('RTP/SAVP 0 8')
    refuse().gives('ACK to Telnyx')
    expect(result(ladder)).toMatchObject({ ok: false, status: 488 })
    expect(said(ladder)).toMatch(/^sip.telnyx.test wants SRTP, and not as it was offered after/)
  })

  test('whose sound has to be encrypted is not called where keys would be read on the way', () => {
    const ladder = tested({ secure: 'required' }, toBob)
    ladder.locate(telnyx).gives()
    expect(result(ladder)).toMatchObject({ ok: false, status: 0 })
    expect(said(ladder)).toBe(
      'sip.telnyx.test is at 203.0.113.1:5060 over UDP: its sound has to be encrypted (secure is required), which takes TLS',
    )
  })

  test('which wants proof of a BYE gets it', () => {
    const ladder = tested(credentials, toBob)
    ladder.locate(telnyx).whatever()
    ladder
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 200))
      .gives('ACK to Telnyx', 'BYE to Telnyx')
    const bye = ladder.lastRequest(telnyx, 'BYE')
    ladder.when(telnyx, answers(bye, telnyx, 401, { headers: [['www-authenticate', challenge]] }))
    ladder.gives('BYE to Telnyx')
    expect(ladder.lastRequest(telnyx, 'BYE').cseq.number).toBe(bye.cseq.number + 1)
  })

  test('which asks for credentials is given ours under the next number', () => {
    const ladder = tested(credentials, toBob)
    ladder.locate(telnyx).whatever()
    const first = ladder.lastRequest(telnyx)
    ladder.when(telnyx, answers(first, telnyx, 407, { headers: [['proxy-authenticate', challenge]] }))
    ladder.gives('ACK to Telnyx', 'INVITE to Telnyx')
    const second = ladder.lastRequest(telnyx, 'INVITE')
    expect(second.cseq.number).toBe(2)
    expect(second.header('proxy-authorization')).toContain('realm="telnyx"')
    ladder.when(telnyx, answers(second, telnyx, 180)).gives('CANCEL to Telnyx')
    expect(result(ladder)).toMatchObject({ ok: true })
  })

  test('whose proxy and whose server both ask is given both proofs', () => {
    const ladder = tested(credentials, toBob)
    ladder.locate(telnyx).whatever()
    const asks = (status: number, header: [string, string]) =>
      ladder.when(
        telnyx,
        answers(ladder.lastRequest(telnyx, 'INVITE'), telnyx, status, { headers: [header] }),
      )
    asks(407, ['proxy-authenticate', 'Digest realm="proxy", nonce="p"']).gives(
      'ACK to Telnyx',
      'INVITE to Telnyx',
    )
    asks(401, ['www-authenticate', challenge]).gives('ACK to Telnyx', 'INVITE to Telnyx')
    const proved = ladder.lastRequest(telnyx, 'INVITE')
    expect(proved.header('proxy-authorization')).toContain('realm="proxy"')
    expect(proved.header('authorization')).toContain('realm="telnyx"')
    ladder.when(telnyx, answers(proved, telnyx, 486)).gives('ACK to Telnyx')
    expect(result(ladder)).toMatchObject({ ok: true })
  })

  test.each([
    [486, true, 'takes the call, the number is busy'],
    [404, false, 'does not know the number'],
    [488, false, 'takes no PCMU or PCMA'],
    [500, false, 'does not take the call'],
  ])('which says %i has %s to its credit: it %s', (status, ok, words) => {
    const ladder = tested({}, toBob)
    ladder.locate(telnyx).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, status)).gives('ACK to Telnyx')
    expect(result(ladder)).toMatchObject({ ok, status })
    expect(said(ladder)).toContain(words)
    nothingStays(ladder)
  })

  test('which is silent at one address is tried at the next, and let go should it speak after all', () => {
    const ladder = tested({}, toBob)
    ladder.locate(telnyx, twilio).gives('INVITE to Telnyx')
    const late = ladder.lastRequest(telnyx)
    ladder.after(2_999).whatever().after(1).gives('INVITE to Twilio')
    ladder.when(telnyx, answers(late, telnyx, 180)).gives('CANCEL to Telnyx')
    ladder.when(twilio, answers(ladder.lastRequest(twilio), twilio, 180)).gives('CANCEL to Twilio')
    expect(said(ladder)).toContain('203.0.113.2:5060')
  })

  test('which says nothing but 100 is given up within 18 s', () => {
    const ladder = tested({}, toBob)
    ladder.locate(telnyx).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 100)).gives()
    ladder.after(18_000).gives('CANCEL to Telnyx')
    expect(said(ladder)).toBe('nobody answers at 203.0.113.1:5060 over UDP: nothing but 100')
    nothingStays(ladder)
  })

  test('which cannot be found is given up within 18 s', () => {
    const ladder = tested({}, toBob)
    ladder.after(18_000).gives()
    expect(said(ladder)).toBe('sip.telnyx.test cannot be found: DNS took too long')
    ladder.locate(telnyx).gives()
  })

  test('is no call of any customer', () => {
    const ladder = tested({}, toBob)
    ladder.locate(telnyx).whatever()
    ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 486)).whatever()
    expect(ladder.tells).toEqual([])
    expect(ladder.engine.load.calls).toBe(0)
  })
})

describe('a command', () => {
  test('of a provider whose configuration is not here yet waits for it, five seconds at most', () => {
    const ladder = hears(office(), { commands: [command()] })
    ladder.after(4_000).gives()
    expect(said(ladder)).toBeUndefined()
    ladder.after(1_000).gives()
    expect(said(ladder)).toBe('this relay does not know the provider')
  })

  test('of a provider changed just now tests it as it is now', () => {
    const ladder = knows(office(), configured(telnyx, { probe_interval: 0 }))
    const changed = [{ customer_id: ownerId, version: 2, gone: false }]
    hears(ladder, { version: 2, changed, commands: [command()] }).gives('ask snapshot')
    const moved = [configured(telnyx, { probe_interval: 0, port: portNumber(5080) })]
    const { snapshot, secrets } = configuration(ownerId, 2)
    const file = filed({ snapshot: { ...snapshot, providers: moved }, secrets })
    ladder.after(1_000).gives()
    ladder
      .answer({ ask: 'snapshot', answer: { kind: 'snapshot', verified: file } })
      .whatever()
      .after(200)
    ladder.gives('ask locate')
    expect(ladder.questions.at(-1)?.question).toMatchObject({ question: { port: 5080 } })
  })

  test('of a disabled provider is carried out: it is tried before it is used', () => {
    tested({ enabled: false })
  })

  test('which comes again is not carried out again', () => {
    const ladder = tested()
    hears(ladder, { commands: [command()] }).gives()
  })

  test('has its result said until a beat with it was answered', () => {
    const ladder = tested()
    ladder.locate(telnyx).whatever()
    const sentBefore = ladder.now
    ladder
      .after(10)
      .when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 200))
      .gives()
    ladder.hear({ type: 'beat', answer: edgeSays(), sentAt: monotonicMs(sentBefore) })
    expect(beats(ladder).results).toHaveLength(1)
    expect(beats(ladder).results).toHaveLength(0)
    hears(ladder, { commands: [command()] }).gives()
  })
})

function command(more: Partial<TestCommand> = {}): TestCommand {
  return {
    command_id: commandId,
    kind: 'test_provider',
    provider_id: provider(telnyx).provider_id,
    customer_id: ownerId,
    type: 'options',
    to: null,
    from: null,
    ...more,
  }
}

/** The edge has told the relay to test Telnyx. */
function tested(
  facts: Partial<ProviderFacts> = {},
  more: Partial<TestCommand> = {},
  carriers?: Party[],
): Ladder {
  const ladder = office({}, ...(carriers ?? []))
  knows(ladder, configured(telnyx, { probe_interval: 0, ...facts }))
  hears(ladder, { commands: [command(more)] })
  return ladder.gives('ask locate')
}

/** Telnyx asks for credentials. */
function challenged(ladder: Ladder): Ladder {
  ladder.whatever()
  if (ladder.questions.length > 0) ladder.locate(telnyx).whatever()
  const headers = [['www-authenticate', challenge]] as [string, string][]
  return ladder.when(telnyx, answers(ladder.lastRequest(telnyx), telnyx, 401, { headers }))
}

function result(ladder: Ladder): Record<string, unknown> | undefined {
  return ladder.engine
    .pulse(monotonicMs(ladder.now))
    .results.find(({ command_id }) => command_id === commandId)?.result
}

function said(ladder: Ladder): unknown {
  return result(ladder)?.verdict
}

function nothingStays(ladder: Ladder): void {
  ladder.after(80_000).whatever()
  expect(ladder.engine.load).toMatchObject({ calls: 0, legs: 0, transactions: 0 })
  expect(ladder.engine.nextDeadline()).toBeUndefined()
}
