import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { monotonicMs, tokenName, tokenText, utcMs } from '#contract'
import { QuestionNumbers } from '../../../relay/ground/questions.ts'
import { SnapshotCache } from '../../../relay/policy/snapshot-cache.ts'
import type { Header } from '../../../relay/sip/message.ts'
import { type Ladder, type Party, realm } from '../../support/ladder.ts'
import {
  account,
  alice,
  bob,
  customerId,
  extensionIds,
  office,
  prove,
  register,
  registers,
  scanner,
} from '../../support/office.ts'
import { changed, gives, hears, informed, officeConfiguration } from '../../support/office-snapshots.ts'
import { beatAnswer, type Configuration, filed } from '../../support/snapshot.ts'

const newWord = 'a new and longer one'

describe('a registration ends at once, not when it runs out', () => {
  test('where its password was changed; another extension’s stays', () => {
    const ladder = withPhones()
    configured(ladder, officeWith({ ha1_md5: ha1(newWord) }))
    ladder.gives('tell unregistered')
    expect(ladder.bindings.at(-1)?.binding.extension_id).toBe(extensionIds.alice)
    expect(ladder.engine.load.bindings).toBe(1)
    expect(noted(ladder)).toMatchObject([{ account: `alice@${realm}`, why: 'password changed', count: 1 }])
  })

  test('where its account was disabled, or is gone, or its customer is', () => {
    const disabled = withPhones()
    configured(disabled, officeWith({ enabled: false }))
    disabled.gives('tell unregistered')
    const gone = withPhones()
    configured(gone, withoutAlice())
    gone.gives('tell unregistered')
    const all = withPhones()
    hears(all, 8, [{ customer_id: customerId, version: 8, gone: true }])
    all.gives('tell unregistered', 'tell unregistered')
    expect([disabled, gone, all].map(({ engine }) => engine.load.bindings)).toEqual([1, 1, 0])
  })

  test('but not where the configuration changed otherwise, or the edge cannot open the password any more', () => {
    const ladder = withPhones()
    configured(ladder, officeConfiguration(8))
    ladder.quiet()
    const closed = officeConfiguration(9)
    configured(ladder, { ...closed, secrets: { ...closed.secrets, accounts: [] } }, 9)
    ladder.quiet()
    expect(ladder.engine.load.bindings).toBe(2)
  })

  test('and one which was proved by the new password already stays, though the snapshot comes after it', () => {
    const ladder = withPhones()
    tries(ladder, alice, newWord)
    ladder.gives('ask credential')
    ladder.credential({ ...known(), ha1_md5: ha1(newWord) }).gives('tell refreshed', '200 to Alice')
    configured(ladder, officeWith({ ha1_md5: ha1(newWord) }))
    ladder.quiet()
    expect(ladder.engine.load.bindings).toBe(2)
  })

  test('where it was proved by a token which was ended: another token’s stays, and the password’s', () => {
    const ladder = withPhones()
    for (const id of tokens) {
      const name = tokenName('alice', utcMs(ladder.engine.rooms.clock.epoch + ladder.now + 600_000), id)
      ladder.whatever()
      tries(ladder, alice, tokenPassword(name), [['contact', `<sip:${id}@192.0.2.10:5062>`]], name)
      ladder.gives('tell registered', '200 to Alice')
      expect(ladder.bindings.at(-1)?.binding.token_id).toBe(id)
    }
    configured(ladder, officeWith({ ended_tokens: [tokens[0]] }))
    ladder.gives('tell unregistered')
    const over = ladder.bindings.at(-1)
    expect([over?.reason, over?.binding.token_id]).toEqual(['TOKEN_ENDED', tokens[0]])
    expect(ladder.engine.load.bindings).toBe(3)
    expect(noted(ladder)).toMatchObject([{ account: `alice@${realm}`, why: 'token ended', count: 1 }])
    // Any later snapshot has it, too, and says nothing new.
    configured(ladder, officeWith({ ended_tokens: [tokens[0]] }, 9), 9)
    ladder.quiet()
  })

  test.each(['disk', 'edge'] as const)(
    'where its token had been ended before a restart, by which it came back from the %s',
    (from) => {
      const before = withPhones()
      const name = tokenName(
        'alice',
        utcMs(before.engine.rooms.clock.epoch + before.now + 600_000),
        tokens[0],
      )
      tries(before.whatever(), alice, tokenPassword(name), [], name)
      before.whatever()
      const bindings = before.bindings.map(({ binding, sequence }) => ({ ...binding, sequence }))
      expect(bindings.map(({ token_id }) => token_id)).toEqual([null, null, tokens[0]])
      const ladder = informed([officeWith({ ended_tokens: [tokens[0]] }, 7)])
      const list = { bindings }
      ladder.hear(
        from === 'disk'
          ? { type: 'restored', from, list }
          : { type: 'restored', from, list, sentAt: now(ladder) },
      )
      ladder.gives('tell unregistered')
      expect(ladder.bindings.at(-1)).toMatchObject({
        reason: 'TOKEN_ENDED',
        binding: { token_id: tokens[0] },
      })
      expect(noted(ladder)).toMatchObject([{ account: `alice@${realm}`, why: 'token ended', count: 1 }])
    },
  )

  test.each(['disk', 'edge'] as const)(
    'where its password was changed while the relay was down, whose phones come back from the %s',
    (from) => {
      const before = withPhones()
      const bindings = before.bindings.map(({ binding, sequence }) => ({ ...binding, sequence }))
      const ladder = office()
      const confirmed = { version: 7, held: 1, at: 0, behind: {} }
      ladder.hear({ type: 'cached', files: [filed(officeConfiguration(7))], confirmed })
      const list = { bindings }
      ladder.hear(
        from === 'disk'
          ? { type: 'restored', from, list }
          : { type: 'restored', from, list, sentAt: now(ladder) },
      )
      expect(ladder.engine.load.bindings).toBe(2)
      configured(ladder, officeWith({ ha1_md5: ha1(newWord) }))
      ladder.gives('tell unregistered')
      expect(ladder.bindings.at(-1)).toMatchObject({
        reason: 'PASSWORD_CHANGED',
        binding: { extension_id: extensionIds.alice },
      })
      expect(ladder.engine.load.bindings).toBe(1)
    },
  )

  test('and the phone hears it by its next REGISTER', () => {
    const ladder = withPhones()
    configured(ladder, officeWith({ ha1_md5: ha1(newWord) }))
    ladder.whatever()
    tries(ladder, alice)
    ladder.gives('ask credential').credential({ ...known(), ha1_md5: ha1(newWord) })
    ladder.gives('401 to Alice')
    tries(ladder, alice, newWord)
    ladder.gives('tell registered', '200 to Alice')
  })

  test('by the API: it is told, and said to be done once', () => {
    const ladder = withPhones()
    const [first] = ladder.bindings
    if (!first) throw new Error('Alice has registered')
    const command_id = '77777777-7777-4777-8777-777777777777'
    const end = { command_id, extension_id: extensionIds.alice, binding_id: first.binding.binding_id }
    const answer = { ...beatAnswer(7), ends: [end] }
    ladder.engine.pulse(monotonicMs(ladder.now))
    ladder.hear({ type: 'beat', answer, sentAt: monotonicMs(ladder.now) }).gives('tell unregistered')
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).ended).toEqual([command_id])
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).ended).toEqual([])
    // Told once more, as the beat which said so was lost: the phone has registered anew since, and stays.
    tries(ladder, alice)
    ladder.whatever()
    expect(ladder.engine.load.bindings).toBe(2)
    ladder.hear({ type: 'beat', answer, sentAt: monotonicMs(ladder.now) }).quiet()
    expect(ladder.engine.load.bindings).toBe(2)
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).ended).toEqual([command_id])
  })

  test('by the API, but not the one by which the phone registered anew before the word came', () => {
    const ladder = withPhones()
    const [first] = ladder.bindings
    if (!first) throw new Error('Alice has registered')
    const { sequence, binding } = first
    const end = (command_id: string, known?: number) => ({
      ...{ command_id, extension_id: extensionIds.alice, binding_id: binding.binding_id },
      ...(known !== undefined && { sequence: known }),
    })
    const hear = (ends: ReturnType<typeof end>[]) => ladder.hear({ type: 'news', news: { ends } })
    tries(ladder, alice, undefined, [['expires', '0']])
    ladder.whatever()
    tries(ladder, alice)
    ladder.whatever()
    hear([end('77777777-7777-4777-8777-777777777777', sequence)]).quiet()
    expect(ladder.engine.load.bindings).toBe(2)
    expect(ladder.engine.pulse(monotonicMs(ladder.now)).ended).toHaveLength(1)
    // What was known by then is told of a refreshed one, too.
    const latest = ladder.bindings.at(-1)?.sequence
    tries(ladder, alice)
    ladder.whatever()
    hear([end('88888888-8888-4888-8888-888888888888', latest)]).gives('tell unregistered')
  })
})

describe('a registration which the API ended while its relay was down', () => {
  const command_id = '99999999-9999-4999-8999-999999999999'
  /** Alice's, which the edge lists no more, and Bob's. */
  const before = told(withPhones())
  const [alices, bobs] = before
  const end = alices && {
    command_id,
    extension_id: extensionIds.alice,
    binding_id: alices.binding_id,
    sequence: alices.sequence,
  }
  const toldOfAlices = (ladder: Ladder) =>
    ladder.bindings
      .filter(({ binding }) => binding.binding_id === alices?.binding_id)
      .map(({ event, reason }) => [event, reason])
  const listed = (ladder: Ladder) => {
    const list = { bindings: bobs ? [bobs] : [] }
    return ladder.hear({ type: 'restored', from: 'edge', list, sentAt: now(ladder) })
  }
  const beats = (ladder: Ladder) => {
    const answer = { ...beatAnswer(0), ends: end ? [end] : [] }
    return ladder.hear({ type: 'beat', answer, sentAt: now(ladder) })
  }

  test('ends with the first answer of the edge, and is told as registered by no one meanwhile', () => {
    const ladder = restarted(before)
    listed(ladder).quiet()
    beats(ladder)
    expect(toldOfAlices(ladder)).toEqual([['unregistered', 'BY_API']])
  })
})

describe('what was proved to a process before, where no snapshot of then is left', () => {
  test.each(['disk', 'edge'] as const)(
    'ends as soon as a snapshot says that its password is another, and comes back from the %s',
    (from) => {
      const ladder = restarted(told(withPhones()), from)
      expect(ladder.engine.load.bindings).toBe(2)
      configured(ladder, officeWith({ ha1_md5: ha1(newWord) }))
      ladder.gives('tell unregistered')
      const over = ladder.bindings.at(-1)
      expect([over?.reason, over?.binding.extension_id]).toEqual(['PASSWORD_CHANGED', extensionIds.alice])
      expect(noted(ladder)).toMatchObject([{ account: `alice@${realm}`, why: 'password changed', count: 1 }])
      // Once is enough.
      configured(ladder, officeWith({ ha1_md5: ha1(newWord) }, 9), 9)
      ladder.quiet()
      expect(ladder.engine.load.bindings).toBe(1)
    },
  )

  test('ends where its account was deleted or disabled meanwhile, its token ended, or its customer is gone', () => {
    const deleted = restarted(told(withPhones()))
    configured(deleted, withoutAlice())
    deleted.gives('tell unregistered')
    const disabled = restarted(told(withPhones()))
    configured(disabled, officeWith({ enabled: false }))
    disabled.gives('tell unregistered')
    const ended = restarted(told(withPhones()).map((one) => ({ ...one, token_id: tokens[0] })))
    configured(ended, officeWith({ ended_tokens: [tokens[0]] }))
    ended.gives('tell unregistered')
    const gone = restarted(told(withPhones()))
    hears(gone, 8, [])
    gone.gives('tell unregistered', 'tell unregistered')
    expect([deleted, disabled, ended, gone].map((one) => one.bindings.at(-1)?.reason)).toEqual([
      'ACCOUNT_DELETED',
      'ACCOUNT_DISABLED',
      'TOKEN_ENDED',
      'ACCOUNT_DELETED',
    ])
  })

  test('ends at once where the snapshot on disk says that its token was ended; who is not found just then is not gone through', () => {
    const cache = new SnapshotCache({
      clock: { at: utcMs(0) },
      numbers: new QuestionNumbers(),
      entropy: { below: () => 0 },
    })
    const files = [filed(officeWith({ ended_tokens: [tokens[0]] }, 7))]
    const confirmed = { version: 7, held: 1, at: 0, behind: {} }
    cache.receive({ type: 'cached', files, confirmed }, monotonicMs(0))
    const ended = (accounts: string[], token_id: string | null) => {
      const bindings = told(withPhones())
        .filter(({ extension_id }) => accounts.includes(extension_id))
        .map((one) => ({ ...one, token_id }))
      const events = cache.receive({ type: 'restored', from: 'disk', list: { bindings } }, monotonicMs(0))
      return events?.map((event) => event.type === 'revoked' && event.accounts.map(({ id }) => id))
    }
    expect(ended([extensionIds.alice, extensionIds.bob], tokens[0])).toEqual([[extensionIds.alice]])
    expect(ended([extensionIds.bob], tokens[0])).toEqual([])
    expect(ended([extensionIds.alice], null)).toEqual([])
    // Nor where no ended one is told of any more: of each the time is over.
    cache.receive(
      { type: 'cached', files: [filed(officeWith({}, 8))], confirmed: { ...confirmed, version: 8 } },
      monotonicMs(0),
    )
    expect(ended([extensionIds.alice], tokens[0])).toEqual([])
    const ladder = office()
    ladder.hear({ type: 'cached', files, confirmed })
    const bindings = told(withPhones()).map((one) => ({ ...one, token_id: tokens[0] }))
    ladder.hear({ type: 'restored', from: 'disk', list: { bindings } }).gives('tell unregistered')
    expect(ladder.bindings.at(-1)?.reason).toBe('TOKEN_ENDED')
  })

  test('ends by the edge’s answer about its account, where there is no snapshot of its customer', () => {
    const ladder = restarted(told(withPhones()))
    tries(ladder, scanner, newWord)
    ladder.gives('ask credential').credential({ ...known(), ha1_md5: ha1(newWord) })
    ladder.gives('tell unregistered', 'tell registered', '200 to the scanner')
    expect(ladder.bindings.at(-2)).toMatchObject({
      reason: 'PASSWORD_CHANGED',
      binding: { extension_id: extensionIds.alice },
    })
  })

  test('stays while the edge is away, whatever lies on disk, until that is said to be so', () => {
    const files = [filed(officeWith({ ha1_md5: ha1(newWord) }, 7))]
    const ladder = office()
    ladder.hear({ type: 'cached', files, confirmed: { version: 7, held: 1, at: 0, behind: {} } })
    ladder.hear({ type: 'restored', from: 'disk', list: { bindings: told(withPhones()) } }).quiet()
    ladder.after(3_000).quiet()
    expect(ladder.engine.load.bindings).toBe(2)
    hears(ladder, 7, [])
    ladder.gives('tell unregistered')
    expect(ladder.bindings.at(-1)?.reason).toBe('PASSWORD_CHANGED')
  })

  test('stays where a snapshot of before is lost, and the first beat’s answer was overtaken by news: it was to name all', () => {
    const ladder = office()
    const at = ladder.engine.rooms.clock.at
    ladder.hear({ type: 'cached', files: [], confirmed: { version: 0, held: 1, at, behind: {} } })
    ladder.hear({ type: 'restored', from: 'disk', list: { bindings: told(withPhones()) } }).quiet()
    ladder.engine.pulse(now(ladder))
    const gone = { customer_id: '99999999-9999-4999-8999-999999999999', version: 9, gone: true } as const
    ladder.hear({ type: 'news', news: { version: 9, changed: [gone] } }).quiet()
    const answer = { ...beatAnswer(8), changed: changed([officeConfiguration(8)]) }
    ladder.hear({ type: 'beat', answer, sentAt: now(ladder) }).gives('beat')
    expect(ladder.engine.load.bindings).toBe(2)
    ladder.after(10)
    configured(ladder, officeConfiguration(8), 9)
    ladder.quiet()
    expect(ladder.engine.load.bindings).toBe(2)
  })

  test('stays where it was proved by the password of now, though the snapshot on disk has the one before', () => {
    const before = withPhones()
    tries(before, alice, newWord)
    before.whatever()
    before.credential({ ...known(), ha1_md5: ha1(newWord) }).whatever()
    const ladder = office()
    const confirmed = { version: 7, held: 1, at: 0, behind: {} }
    ladder.hear({ type: 'cached', files: [filed(officeConfiguration(7))], confirmed })
    ladder.hear({ type: 'restored', from: 'disk', list: { bindings: told(before) } })
    configured(ladder, officeWith({ ha1_md5: ha1(newWord) }))
    ladder.quiet()
    expect(ladder.engine.load.bindings).toBe(2)
  })

  test.each([
    ['an older relay did not say', () => 0],
    ['it was said under another key', (proof: number) => (proof + 2 ** 30) % 2 ** 31],
  ])('stays where by which password is not known: %s', (_, changed) => {
    const bindings = told(withPhones()).map((one) => ({ ...one, proof: changed(one.proof) }))
    const ladder = restarted(bindings)
    configured(ladder, officeWith({ ha1_md5: ha1(newWord) }))
    ladder.quiet()
    expect(ladder.engine.load.bindings).toBe(2)
  })
})

describe('an extension which was deleted and made anew', () => {
  const remade = { ...known(), extension_id: '66666666-6666-4666-8666-666666666666', ha1_md5: ha1(newWord) }

  test('is known by its new password though no beat came, and what was registered before ends at once', () => {
    const ladder = withPhones()
    tries(ladder, alice, newWord)
    ladder.gives('ask credential').credential(remade)
    ladder.gives('tell unregistered', 'tell registered', '200 to Alice')
    const [ended, made] = ladder.bindings.slice(-2)
    expect([ended?.reason, ended?.binding.extension_id]).toEqual(['ACCOUNT_DELETED', extensionIds.alice])
    expect(made?.binding.extension_id).toBe(remade.extension_id)
    expect(ladder.engine.load.bindings).toBe(2)
  })

  test('is known within a second of its making, though its phone was refused just before', () => {
    const ladder = informed()
    tries(ladder, alice, newWord)
    ladder.gives('ask credential').credential({ kind: 'unknown', ttl: 5 }).gives('401 to Alice')
    ladder.after(1_000)
    tries(ladder, alice, newWord)
    ladder.gives('ask credential').credential(remade).whatever()
    expect(ladder.lastResponse(alice).status).toBe(200)
  })
})

describe('who guessed a password too often', () => {
  test('is looked at again once the password was changed', () => {
    const ladder = informed()
    for (let at = 0; at < 5; at++) guess(ladder, scanner, `guess ${at}`)
    guess(ladder, scanner, newWord)
    expect(ladder.bindings).toEqual([])
    ladder.after(2_000)
    configured(ladder, officeWith({ ha1_md5: ha1(newWord) }))
    ladder.whatever()
    guess(ladder, scanner, newWord)
    expect(ladder.bindings).toHaveLength(1)
  })

  test('is not for any other change', () => {
    const ladder = informed()
    for (let at = 0; at < 5; at++) guess(ladder, scanner, `guess ${at}`)
    ladder.after(2_000)
    configured(ladder, officeConfiguration(8))
    ladder.whatever()
    tries(ladder, scanner)
    expect(ladder.bindings).toEqual([])
  })
})

/** Alice and Bob are registered. */
function withPhones(): Ladder {
  const ladder = informed()
  registers(ladder, alice, 'alice')
  registers(ladder, bob, 'bob')
  return ladder
}

/** Where their phones are, as it is kept. */
function told(ladder: Ladder) {
  const last = new Map(ladder.bindings.map((one) => [one.binding.binding_id, one]))
  return [...last.values()].map(({ binding, sequence }) => ({ ...binding, sequence }))
}

/** A relay which begins anew, with nothing of before but these. */
function restarted(bindings: ReturnType<typeof told>, from: 'disk' | 'edge' = 'disk'): Ladder {
  const ladder = office()
  const list = { bindings }
  return ladder.hear(
    from === 'disk'
      ? { type: 'restored', from, list }
      : { type: 'restored', from, list, sentAt: now(ladder) },
  )
}

function withoutAlice(): Configuration {
  const { snapshot, secrets } = officeConfiguration(8)
  const others = <One extends { id: string }>(all: readonly One[]) =>
    all.filter(({ id }) => id !== extensionIds.alice)
  return {
    snapshot: { ...snapshot, extensions: others(snapshot.extensions) },
    secrets: { ...secrets, accounts: others(secrets.accounts) },
  }
}

/** The edge names a newer configuration, and gives it. */
function configured(ladder: Ladder, configuration: Configuration, version = 8): void {
  hears(ladder, version, changed([configuration]))
  gives(ladder, filed(configuration))
}

function officeWith(
  changes: { ha1_md5?: string; enabled?: boolean; ended_tokens?: string[] },
  version = 8,
): Configuration {
  const office = officeConfiguration(version)
  const accounts = office.secrets.accounts.map((one) =>
    one.id === extensionIds.alice ? { ...one, ...changes } : one,
  )
  return { ...office, secrets: { ...office.secrets, accounts } }
}

function tries(ladder: Ladder, phone: Party, word?: string, headers: Header[] = [], name = 'alice'): void {
  const first = register(phone, 'alice', headers)
  ladder.when(phone, first).whatever()
  ladder.when(phone, prove(first, ladder.lastResponse(phone), name, word))
}

const tokens = ['5d0c1f6c-1a10-401f-8e6d-0b4a529d550c', '5d0c1f6c-1a10-401f-8e6d-0b4a529d550d'] as const

function tokenPassword(name: string): string {
  const ha1 = known().ha1_sha256
  return hash('sha256', tokenText(ha1, hash('sha256', tokenText(ha1, name))))
}

/** The edge knows no better than the snapshot. */
function guess(ladder: Ladder, phone: Party, word: string): void {
  tries(ladder, phone, word)
  ladder.whatever()
  if (ladder.questions.length > 0) ladder.credential(account('alice')).whatever()
}

function known() {
  const answer = account('alice')
  if (answer.kind !== 'known') throw new Error('the office has an Alice')
  return answer
}

function ha1(word: string): string {
  return hash('md5', `alice:${realm}:${word}`)
}

function noted(ladder: Ladder) {
  return ladder.notes.filter(({ event }) => event === 'registration.ended').map(({ fields }) => fields)
}

function now(ladder: Ladder) {
  return monotonicMs(ladder.now)
}
