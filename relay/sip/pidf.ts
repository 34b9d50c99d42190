import type { CivicPlace } from '#contract'
import { encode } from './charset.ts'

/** Type of a document which says where a caller is. */
export const pidfType = 'application/pidf+xml'

/**
 * A PIDF-LO (RFC 4119, as RFC 5491 has it) which says where `entity`, a URI, is: a civic address (RFC 5139), and a point
 * where one is known. It may be kept for a day, and is for whom it is sent to.
 */
export function pidfOf(entity: string, place: CivicPlace, at: string): Uint8Array {
  const point = pointOf(place)
  const shapes = [...(point ? [point] : []), civicOf(place)]
  return encode(
    `<?xml version="1.0" encoding="UTF-8"?>\r\n<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr" xmlns:gml="http://www.opengis.net/gml" entity="${escaped(entity)}">\r\n${shapes
      .map((shape, nth) => deviceOf(shape, nth, at))
      .join('')}</presence>\r\n`,
  )
}

/** One location each has a device element of its own, the most exact first (RFC 5491 §3.2). */
function deviceOf(location: string, nth: number, at: string): string {
  return `<dm:device id="d${nth + 1}"><gp:geopriv><gp:location-info>${location}</gp:location-info><gp:usage-rules><gp:retransmission-allowed>no</gp:retransmission-allowed></gp:usage-rules><gp:method>Manual</gp:method></gp:geopriv><dm:deviceID>d${nth + 1}</dm:deviceID><dm:timestamp>${at}</dm:timestamp></dm:device>\r\n`
}

function pointOf({ latitude, longitude }: CivicPlace): string | undefined {
  if (latitude === null || longitude === null) return undefined
  return `<gml:Point srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>${latitude} ${longitude}</gml:pos></gml:Point>`
}

/** The elements in the order of their schema (RFC 5139 §3.1). */
const civic = [
  ['country', ({ country }: CivicPlace) => country.toUpperCase()],
  ['A1', ({ region }: CivicPlace) => region],
  ['A3', ({ city }: CivicPlace) => city],
  ['HNO', ({ house_number }: CivicPlace) => house_number],
  ['NAM', ({ name }: CivicPlace) => name],
  ['PC', ({ postal_code }: CivicPlace) => postal_code],
  ['FLR', ({ floor }: CivicPlace) => floor],
  ['ROOM', ({ room }: CivicPlace) => room],
  ['RD', ({ street }: CivicPlace) => street],
] as const

function civicOf(place: CivicPlace): string {
  const parts = civic.flatMap(([element, of]) => {
    const text = of(place)
    return text === '' ? [] : [`<ca:${element}>${escaped(text)}</ca:${element}>`]
  })
  return `<ca:civicAddress>${parts.join('')}</ca:civicAddress>`
}

/** XML text and attribute values (XML 1.0 §2.4). */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
