import * as z from 'zod'
import { country } from './fields.ts'

const words = z
  .string()
  .trim()
  .max(128)
  .regex(/^[^\p{Cc}]*$/u, 'has control characters')
  .default('')

const degrees = (most: number) => z.number().min(-most).max(most).nullable().default(null)

/** A civic address, in the words of RFC 5139, with degrees of WGS 84 where they are known. */
const place = z
  .strictObject({
    country: country.overwrite((text) => text.toLowerCase()).describe('ISO 3166, two letters.'),
    region: words.describe('State, province or canton.'),
    city: words.describe('Its city.'),
    postal_code: words.describe('Its postal code.'),
    street: words.describe('Its street, without a number.'),
    house_number: words.describe('Its number in the street.'),
    floor: words.describe('The floor it is on.'),
    room: words.describe('The room, or the seat, it is in.'),
    name: words.describe('Name of the building, or of who is in it.'),
    latitude: degrees(90).describe('Degrees north, WGS 84; null: not known.'),
    longitude: degrees(180).describe('Degrees east, WGS 84; null: not known.'),
  })
  .refine(({ latitude, longitude }) => (latitude === null) === (longitude === null), {
    message: 'is nothing without the other of latitude and longitude',
    path: ['latitude'],
  })
  .refine(({ city, latitude }) => city !== '' || latitude !== null, {
    message: 'is needed where there is no latitude: nobody could be sent there',
    path: ['city'],
  })

/** What who helps is told of an extension which calls for help; null: nothing is known. */
export const emergency = z
  .strictObject({
    callback_number: z
      .string()
      .nullable()
      .default(null)
      .describe('A number of yours to call it back at; null: the one it shows.'),
    place: place.nullable().default(null).describe('Where its phone is; null: not known.'),
  })
  .nullable()
  .default(null)
  .describe('What who helps is told when it calls an emergency number; null: nothing is known.')
