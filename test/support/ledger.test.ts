import { describe, expect, test } from 'vitest'
import { discrepancies, type Entry, type Ledger } from './ledger.ts'

describe('a ledger of calls placed', () => {
  test('agrees with records which have each of them once, over, and as its caller saw it', () => {
    expect(discrepancies(placed(), [record('a'), record('b', { tm_progressing: null })])).toEqual([])
  })

  test('names what is missing, what is there twice, and what nobody placed', () => {
    expect(discrepancies(placed(), [record('a'), record('a'), record('c')])).toEqual([
      'b, outgoing, not answered, has no record',
      'a has 2 records',
      'nobody placed c',
    ])
  })

  test('misses no record of a call which was refused early, and takes one', () => {
    const early = () => placed('a').set('b', { direction: 'outgoing', answered: false, early: true })
    expect(discrepancies(early(), [record('a')])).toEqual([])
    expect(discrepancies(early(), [record('a'), record('b', { tm_progressing: null })])).toEqual([])
  })

  test('names a call which goes on for ever, or went the other way, or was answered by nobody', () => {
    const open = record('a', { status: 'progressing' })
    expect(discrepancies(placed('a'), [open])).toEqual(['a is progressing'])
    const other = record('a', { direction: 'incoming' })
    expect(discrepancies(placed('a'), [other])).toEqual(['a was outgoing, and is recorded as incoming'])
    const dead = record('b')
    expect(discrepancies(placed('b'), [dead])).toEqual(['b was not answered, and is recorded as answered'])
  })

  test('takes a call which was lost before its answer, and asked for again, for one call', () => {
    const lost = record('a', { hangup_reason: 'relay_lost', tm_progressing: null })
    expect(discrepancies(placed('a'), [lost, record('a')])).toEqual([])
    const cut = record('a', { hangup_reason: 'relay_lost' })
    expect(discrepancies(placed('a'), [cut, record('a')])).toEqual(['a has 2 records'])
    expect(discrepancies(placed('a'), [cut])).toEqual([])
  })
})

/** a was answered, b was not. */
function placed(...which: string[]): Ledger {
  const all: [string, Entry][] = [
    ['a', { direction: 'outgoing', answered: true }],
    ['b', { direction: 'outgoing', answered: false }],
  ]
  return new Map(all.filter(([id]) => which.length === 0 || which.includes(id)))
}

function record(id: string, more: object = {}) {
  const over = { status: 'hangup', direction: 'outgoing', hangup_reason: 'normal', tm_progressing: 'then' }
  return { id: crypto.randomUUID(), sip_call_id: id, ...over, ...more }
}
