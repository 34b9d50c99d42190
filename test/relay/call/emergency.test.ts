import { describe, expect, test } from 'vitest'
import { civicPlace } from '#contract'
import { sdpBody } from '../../../relay/sip/body.ts'
import type { Request } from '../../../relay/sip/message.ts'
import { aliceDials, answers, office, provider, telnyx, through } from '../../support/office.ts'

const place = civicPlace.parse({
  country: 'us',
  region: 'IL',
  city: 'Springfield',
  street: 'Fish & Chips <Row>',
  house_number: '12',
  floor: '3',
})

describe('a call for help at a carrier which takes the caller’s place (RFC 6442)', () => {
  const called = (more: object) => {
    const ladder = office()
    aliceDials(ladder, '911')
    ladder.decide(through(provider(telnyx, { user: '911', place, ...more }))).whatever()
    ladder.locate(telnyx).gives('INVITE to Telnyx')
    return ladder
  }

  test('brings it beside the session description, and names it', () => {
    const sent = called({}).lastRequest(telnyx)
    expect(sent.header('content-type')).toMatch(/^multipart\/mixed;boundary=/)
    expect(sent.header('geolocation-routing')).toBe('yes')
    const cid = /^<cid:(.+)>$/.exec(sent.header('geolocation') ?? '')?.[1]
    expect(bodyOf(sent)).toContain(`Content-ID: <${cid}>`)
    expect(bodyOf(sent)).toContain('Content-Type: application/pidf+xml')
    expect(new TextDecoder().decode(sdpBody(sent))).toMatch(/^v=0\r\n(.*\r\n)*m=audio/)
  })

  test('says it as a PIDF-LO, in the words of RFC 5139 and escaped', () => {
    const body = bodyOf(called({}).lastRequest(telnyx))
    expect(body).toContain('entity="pres:+15557654321@198.51.100.1"')
    expect(body).toContain(
      '<ca:country>US</ca:country><ca:A1>IL</ca:A1><ca:A3>Springfield</ca:A3><ca:HNO>12</ca:HNO><ca:FLR>3</ca:FLR>' +
        '<ca:RD>Fish &#38; Chips &#60;Row&#62;</ca:RD>',
    )
    expect(body).not.toContain('gml:Point')
  })

  test('puts a point before the address where one is known (RFC 5491)', () => {
    const there = { ...place, latitude: 39.8, longitude: -89.65 }
    const body = bodyOf(called({ place: there }).lastRequest(telnyx))
    expect(body).toContain('<gml:pos>39.8 -89.65</gml:pos>')
    expect(body.indexOf('gml:Point')).toBeLessThan(body.indexOf('ca:civicAddress>'))
  })

  test('brings the same to a carrier which asks for a password', () => {
    const ladder = called({ credentials: { username: 'acme', password: 'secret', realm: null } })
    const first = ladder.lastRequest(telnyx)
    const challenge = 'Digest realm="telnyx.test", nonce="n", algorithm=MD5, qop="auth"'
    const asks = answers(first, telnyx, 401, { headers: [['www-authenticate', challenge]] })
    ladder.when(telnyx, asks).gives('ACK to Telnyx', 'INVITE to Telnyx')
    const again = ladder.lastRequest(telnyx)
    expect(bodyOf(again)).toBe(bodyOf(first))
    expect(again.all('content-type')).toEqual(first.all('content-type'))
  })

  test('has its session description alone at one which does not', () => {
    const sent = called({ place: null }).lastRequest(telnyx)
    expect(sent.header('content-type')).toBe('application/sdp')
    expect(sent.header('geolocation')).toBeUndefined()
  })
})

function bodyOf({ body }: Request): string {
  return new TextDecoder().decode(body)
}
