import { and, eq } from 'drizzle-orm'
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import { type SipMessage, sipMessage } from '#contract'
import { callMessages, calls } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { exampleIds } from '../http/example-ids.ts'
import type { Operation } from '../http/operation.ts'
import { readId } from '../http/validate.ts'
import { pcapOf } from './pcap.ts'

/** The SIP messages of a call, of customers who have them kept. */
export const messagesOfCalls = new Hono<Edge>()
  .get('/:id/messages', async (c) => {
    const { kept } = await messagesOf(c)
    return c.json({
      result: kept?.messages.map(shown) ?? [],
      left_out: kept?.leftOut ?? 0,
      message: kept ? null : NOT_KEPT,
    })
  })
  .get('/:id/pcap', async (c) => {
    const { call, kept } = await messagesOf(c)
    if (!kept) throw new ApiError('MESSAGES_NOT_FOUND', NOT_KEPT)
    return c.body(pcapOf(kept.messages, Date.parse(call.startedAt)).buffer as ArrayBuffer, 200, {
      'content-type': 'application/vnd.tcpdump.pcap',
      'content-disposition': `attachment; filename="${call.id}.pcap"`,
    })
  })

const NOT_KEPT =
  'No messages of this call are kept: they are of calls which begin while capture_messages of the customer is true, a second after they passed.'

async function messagesOf(c: Context<Edge>) {
  const mine = and(eq(calls.customerId, c.get('principal').customerId), eq(calls.id, readId(c)))
  const [row] = await c
    .get('db')
    .select({
      call: { id: calls.id, startedAt: calls.startedAt },
      kept: { messages: callMessages.messages, leftOut: callMessages.leftOut },
    })
    .from(calls)
    .leftJoin(callMessages, eq(callMessages.callId, calls.id))
    .where(mine)
  if (!row) throw new ApiError('CALL_NOT_FOUND', 'There is no such call.')
  return row
}

/** jsonb forgets the order of keys. */
function shown({ direction, transport, address, local_address, ms, sip_call_id, text }: SipMessage) {
  return { direction, transport, address, local_address, ms, sip_call_id, text }
}

const example = {
  direction: 'in',
  transport: 'udp',
  address: '192.0.2.44:5060',
  local_address: '192.0.2.10:5060',
  ms: 0.113,
  sip_call_id: '8f7a1c@192.0.2.44',
  text: 'INVITE sip:+15551234567@registrar.trunkline.example SIP/2.0\r\n…\r\nProxy-Authorization: Digest username="office1", response="********************************"\r\n\r\n',
}

/** Reading what passed on the wire. */
export const callMessageOperations: readonly Operation[] = [
  {
    id: 'listCallMessages',
    method: 'get',
    path: '/v1.0/calls/{id}/messages',
    summary: 'List the SIP messages of a call, of all its legs, in the order they passed',
    description:
      'Of customers with `capture_messages`; a second after they passed. Secrets are masked, octet by octet: answers to challenges, passwords, keys of SRTP, digits, headers which a provider is sent by its setting. Of a call with more than 500 messages or 128 KiB those in the middle are left out.',
    tag: 'calls',
    scope: 'read',
    answer: z.object({
      result: z.array(sipMessage.meta({ id: 'SipMessage', description: 'A SIP message of a call.' })),
      left_out: z.int().describe('How many there were for which there was no room.'),
      message: z.string().nullable().describe('Why there are none; null: there are.'),
    }),
    errors: ['CALL_NOT_FOUND'],
    example: {
      parameters: { id: exampleIds.call },
      answer: { result: [example], left_out: 0, message: null },
    },
  },
  {
    id: 'getCallPcap',
    method: 'get',
    path: '/v1.0/calls/{id}/pcap',
    summary: 'Download the same as a file for Wireshark, tshark, tcpdump or sngrep',
    description:
      'A packet for each message. Headers of IP, UDP and TCP are made from what is known; what was said over TLS is UDP there, since so it can be read.',
    tag: 'calls',
    scope: 'read',
    answer: z.string(),
    media: 'application/vnd.tcpdump.pcap',
    errors: ['CALL_NOT_FOUND', 'MESSAGES_NOT_FOUND'],
    example: { parameters: { id: exampleIds.call }, answer: 'a file of libpcap' },
  },
]
