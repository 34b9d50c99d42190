import * as z from 'zod'
import { callParty, partyChoice } from '#contract'
import { id } from './fields.ts'

const party = callParty.describe('The party of the call it is about.')
const parties = partyChoice.describe('Whom of its parties it is for.')
const url = z
  .string()
  .max(2_048)
  .regex(/^https?:\/\/[^\s/]+/i, 'is no address such as https://example.com/menu')
const text = z
  .string()
  .max(256)
  .regex(/^[^\p{Cc}]*$/u, 'has control characters')
  .default('')

/** Nothing is to be said. */
export const hangupInput = z.strictObject({})

/** A party of a call, and the destination to which it is led. */
export const transferInput = z.strictObject({
  party: party.default('caller'),
  destination: z
    .strictObject({
      type: z.enum(['tel', 'extension', 'trunk'], 'can only be "tel", "extension" or "trunk"'),
      target: text.describe('A number, an extension’s name, or a trunk’s domain_name.'),
      target_name: text.describe('Of an extension: its name, which goes before `target`.'),
      name: text.describe('The name which is shown.'),
      detail: text,
    })
    .refine((one) => one.target !== '' || one.target_name !== '', 'names nobody: give it a target')
    .describe('Whom that party is to speak with; the other one is hung up when that has answered.'),
})

/** Sounds to be played, one behind the other. */
export const playInput = z
  .strictObject({
    party: parties.default('both'),
    prompt_id: id.nullable().default(null).describe('A prompt of one’s own.'),
    stream_urls: z.array(url).max(20).default([]).describe('Sounds at these addresses, behind it.'),
    loop: z.boolean().default(false).describe('It begins again until it is silenced.'),
  })
  .refine(({ prompt_id, stream_urls }) => prompt_id !== null || stream_urls.length > 0, {
    path: ['prompt_id'],
    message: 'is needed, or stream_urls: what is to be played',
  })

/** A text to be spoken. */
export const talkInput = z.strictObject({
  party: parties.default('both'),
  text: z.string().min(1, 'is empty').max(2_000).describe('What is said.'),
  language: z.string().max(64).default('en-US').describe('BCP 47, such as en-US.'),
  voice_id: z.string().max(128).default('').describe('The voice’s name; empty: the language’s usual one.'),
})

/** The parties to which nothing is to be played any more. */
export const silenceInput = z.strictObject({ party: parties.default('both') })

/** Keys to be pressed. */
export const dtmfInput = z.strictObject({
  party: party.default('callee'),
  digits: z
    .string()
    .min(1, 'is empty')
    .max(100)
    .regex(/^[0-9A-D*#]+$/, 'are no keys: 0 to 9, A to D, * and # are')
    .describe('Keys, one after the other.'),
  duration: z.int().min(100).max(1_000).default(160).describe('Milliseconds of each.'),
})

/** Who is to be put on hold, or taken off. */
export const holdInput = z
  .strictObject({
    party: party.default('callee'),
    held: z.boolean().default(true).describe('false: it is taken off hold.'),
    music_prompt_id: id
      .nullable()
      .default(null)
      .describe('A prompt which it hears meanwhile, again and again.'),
    music_url: url.nullable().default(null).describe('Or what is at this address.'),
  })
  .refine(({ music_prompt_id, music_url }) => music_prompt_id === null || music_url === null, {
    path: ['music_url'],
    message: 'cannot be given beside music_prompt_id',
  })

/** Who is to be heard no more, or again. */
export const muteInput = z.strictObject({
  party: parties.default('caller'),
  muted: z.boolean().default(true).describe('false: it is heard again.'),
})
