import { describe, expect, test } from 'vitest'
import { dtmfRelayType, infoBody, infoDigitOf } from '../../../relay/sip/dtmf-relay.ts'
import { readRequest, requestText } from '../../support/wire.ts'

const told = (type: string, body: string) =>
  infoDigitOf(readRequest(requestText('INFO', { body, headers: { 'Content-Type': type } })))

describe('a key which an INFO tells of', () => {
  test.each([
    ['Signal=5\r\nDuration=160\r\n', '5', 160],
    ['Signal= *\r\nDuration= 250', '*', 250],
    ['signal=#\nduration=100\n', '#', 100],
    ['Signal=a', 'A', 160],
    ['Signal=11\r\nDuration=200\r\n', '#', 200],
    ['Duration=200\r\nSignal=0\r\n', '0', 200],
    ['Signal=1\r\nDuration=1\r\n', '1', 40],
    ['Signal=1\r\nDuration=999999\r\n', '1', 5_000],
    ['Signal=1\r\nDuration=long\r\n', '1', 160],
  ])('application/dtmf-relay %j is %s for %i ms', (body, key, ms) => {
    expect(told('application/dtmf-relay', body)).toEqual({ key, ms })
  })

  test.each([
    ['7', '7'],
    [' 10\r\n', '*'],
    ['d', 'D'],
    ['Signal=3', '3'],
  ])('application/dtmf %j is %s', (body, key) => {
    expect(told('Application/DTMF;x=y', body)).toEqual({ key, ms: 160 })
  })

  test.each([
    ['application/dtmf-relay', 'Signal=hook'],
    ['application/dtmf-relay', 'Signal=16'],
    ['application/dtmf-relay', 'Signals=5'],
    ['application/dtmf', '55'],
    ['application/media_control+xml', 'Signal=5'],
  ])('is none in %s %j', (type, body) => {
    expect(told(type, body)).toBeUndefined()
  })

  test('is written as it is read', () => {
    const digit = { key: '#', ms: 120 }
    expect(told(dtmfRelayType, new TextDecoder().decode(infoBody(digit)))).toEqual(digit)
  })
})
