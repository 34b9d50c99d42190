// Repeats an INVITE until something is heard, given up above or not, and ACKs a failure by itself; a 2xx is ACKed above.
// RFC 3261 figure 5 as replaced by RFC 6026 §8.4: after a 2xx it stays to pass on the 2xx of others,
// for the INVITE may have been forked.

import type { Turn } from '../ground/machine.ts'
import { type Header, request as newRequest, type Request, type Response } from '../sip/message.ts'
import { writeMessage } from '../sip/write.ts'
import {
  again,
  clientMemory,
  double,
  type NewMachine,
  pass,
  send,
  set,
  stop,
  type TransactionMemory,
  type TransactionOrder,
  type TransactionRows,
  timeout,
  unreachable,
} from './order.ts'
import type { TimerLengths } from './timers.ts'

type State = 'calling' | 'proceeding' | 'accepted' | 'completed'

const rows: TransactionRows<State> = {
  calling: {
    A: (_, memory) => ({ effects: [...again(memory), double('A', memory, Number.POSITIVE_INFINITY)] }),
    B: () => ({ to: 'terminated', effects: [timeout] }),
    unsent: () => ({ to: 'terminated', effects: [unreachable] }),
    provisional: (response, memory) => ({ to: 'proceeding', effects: [...heard(memory), pass(response)] }),
    success: accept,
    failure: fail,
    abandon: (_, memory) => ({ effects: abandonInvite(memory) }),
  },
  proceeding: {
    B: () => ({ to: 'terminated', effects: [timeout] }),
    unsent: () => ({ to: 'terminated', effects: [unreachable] }),
    provisional: (response) => ({ effects: [pass(response)] }),
    success: accept,
    failure: fail,
    abandon: (_, memory) => ({ effects: [set('B', memory)] }),
  },
  accepted: {
    success: (response) => ({ effects: [pass(response)] }),
    M: () => ({ to: 'terminated', effects: [] }),
  },
  completed: {
    failure: (_, memory) => ({ effects: again(memory) }),
    D: () => ({ to: 'terminated', effects: [] }),
    unsent: () => ({ to: 'terminated', effects: [] }),
  },
  terminated: {},
}

/** An INVITE goes out (RFC 3261 §17.1.1). */
export function inviteClient(request: Request, lengths: TimerLengths): NewMachine<State> {
  const bytes = writeMessage(request)
  const memory = clientMemory(request, bytes, lengths)
  const orders = [send(bytes), set('A', memory), set('B', memory)]
  return { rows, machine: { state: 'calling', memory }, orders }
}

/** The ACK for a 300-699, a part of the INVITE's own transaction (RFC 3261 §17.1.1.3). */
function ackFor(invite: Request, response: Response): Request {
  const headers: Header[] = [
    ['via', invite.all('via')[0] ?? ''],
    ...invite.all('route').map((route): Header => ['route', route]),
    ['max-forwards', '70'],
    ['from', invite.header('from') ?? ''],
    ['to', response.header('to') ?? ''],
    ['call-id', invite.callId],
    ['cseq', `${invite.cseq.number} ACK`],
  ]
  return newRequest({ method: 'ACK', requestUri: invite.requestUri, headers })
}

/**
 * Given up above before anything was heard. It cannot be cancelled yet (§9.1), and who has it may answer it: it is
 * repeated until a provisional allows the CANCEL, or timer B says that none came.
 */
function abandonInvite(memory: TransactionMemory): TransactionOrder[] {
  memory.abandoned = true
  return []
}

/** The first sign of life ends the repeating; only an abandoned INVITE has a time to end by (§9.1). */
function heard(memory: TransactionMemory): TransactionOrder[] {
  memory.last = undefined
  return memory.abandoned ? [stop, set('B', memory)] : [stop]
}

function accept(response: Response, memory: TransactionMemory): Turn<State, TransactionOrder> {
  memory.request = undefined
  memory.last = undefined
  return { to: 'accepted', effects: [stop, pass(response), set('M', memory)] }
}

function fail(response: Response, memory: TransactionMemory): Turn<State, TransactionOrder> {
  const { request } = memory
  if (request !== undefined) memory.last = writeMessage(ackFor(request, response))
  memory.request = undefined
  return { to: 'completed', effects: [stop, ...again(memory), pass(response), set('D', memory)] }
}
