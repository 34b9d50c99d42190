import { describe, expect, test } from 'vitest'
import { privacyOf } from '../../../relay/sip/privacy.ts'
import { screen } from '../../../relay/sip/screen.ts'
import { invite, readRequest } from '../../support/wire.ts'

type Headers = Readonly<Record<string, string | string[]>>

const asked = (headers: Headers) => {
  const { unknown, ...wishes } = privacyOf(readRequest(invite({ headers })))
  const named = Object.entries(wishes).flatMap(([name, is]) => (is ? [name] : []))
  return [...named, ...unknown].join(' ')
}

describe('what a caller asks to be kept private (RFC 3323, RFC 3325)', () => {
  test.each<[Headers, string]>([
    [{}, ''],
    [{ Privacy: 'none' }, ''],
    [{ Privacy: 'id' }, 'identity'],
    [{ Privacy: 'user' }, 'identity'],
    [{ Privacy: 'session' }, ''],
    [{ Privacy: 'header' }, 'header history'],
    [{ Privacy: 'history' }, 'history'],
    [{ Privacy: 'ID ; Critical' }, 'identity critical'],
    [{ Privacy: ['header', 'user;critical'] }, 'identity header history critical'],
    [{ Privacy: ['none', 'id'] }, 'identity'],
    [{ Privacy: 'id, header' }, 'identity header history'],
    [{ Privacy: 'id;;' }, 'identity'],
    [{ Privacy: 'x-id;x-id;critical' }, 'critical x-id'],
    [{ From: '<sip:Anonymous@example.com>;tag=1' }, 'identity'],
    [{ From: '<sip:x@anonymous.invalid>;tag=1', Privacy: 'none' }, 'identity'],
    [{ 'Remote-Party-ID': '<sip:1@a.test>;privacy=full' }, 'identity'],
    [{ 'Remote-Party-ID': '<sip:1@a.test>;privacy=full', Privacy: 'none' }, ''],
  ])('%j is read as %j', (headers, wishes) => {
    expect(asked(headers)).toBe(wishes)
  })

  test.each<[string, number | undefined]>([
    ['id;critical', undefined],
    ['id;header;session;user;history;critical', undefined],
    ['x-voice', undefined],
    ['x-voice;critical', 500],
  ])('of %s what cannot be done is refused where it is critical: %s', (Privacy, status) => {
    expect(screen(readRequest(invite({ headers: { Privacy } })))?.status).toBe(status)
  })
})
