import * as z from 'zod'
import { flowTransport, instant } from './vocabulary.ts'

/** What is kept of one call's messages: octets, and how many. */
export const messageBytesAtMost = 128 * 1024
export const messagesAtMost = 500

/** One SIP message of a call, as it came to the relay or left it; secrets are masked, octet by octet. */
export const sipMessage = z.object({
  direction: z.enum(['in', 'out']).describe('It came to the relay, or left it.'),
  transport: flowTransport,
  address: z.string().describe('host:port of the other end.'),
  local_address: z
    .string()
    .describe('host:port of ours: of a connection which we made, where others are taken.'),
  ms: z.number().describe('ms from the call’s start; of what led to it, as a challenge, below 0.'),
  sip_call_id: z.string().describe('Each leg has its own.'),
  text: z.string().describe('The message; what is no text in it, as “?”.'),
})
export type SipMessage = z.infer<typeof sipMessage>

/** All messages of a call so far, in order: each tell has those of the one before it. */
export const messagesTell = z.object({
  kind: z.literal('messages'),
  tell_id: z.guid(),
  sequence: z.int(),
  at: instant,
  relay_id: z.string(),
  customer_id: z.guid(),
  call_id: z.guid(),
  /** How many there were for which there was no room. */
  left_out: z.int(),
  messages: z.array(sipMessage).max(messagesAtMost),
})
export type MessagesTell = z.infer<typeof messagesTell>
