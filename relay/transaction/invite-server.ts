// Keeps the layer above from hearing an INVITE twice, and repeats a failure until it is ACKed.
// RFC 3261 figure 7 as replaced by RFC 6026 §8.6: a 2xx is repeated by the layer above, and a
// transport error ends nothing, so that a repeated INVITE is never taken for a new one.

import type { Flow } from '../ground/flow.ts'
import type { Request } from '../sip/message.ts'
import { writeMessage } from '../sip/write.ts'
import {
  again,
  answer,
  double,
  type NewMachine,
  send,
  serverMemory,
  set,
  stop,
  type TransactionMemory,
  type TransactionOrder,
  type TransactionRows,
  trying100,
  unacknowledged,
  unreachable,
} from './order.ts'
import type { TimerLengths } from './timers.ts'

type State = 'proceeding' | 'accepted' | 'completed' | 'confirmed'

const rows: TransactionRows<State> = {
  proceeding: {
    request: (_, memory) => ({ effects: again(memory) }),
    trying: (_, memory) => ({ effects: trying(memory) }),
    provisional: (response, memory) => ({ effects: [stop, answer(response, memory)] }),
    success: (response, memory) => ({
      to: 'accepted',
      effects: [stop, send(writeMessage(response)), set('L', forgetMessages(memory))],
    }),
    failure: (response, memory) => ({
      to: 'completed',
      effects: [stop, answer(response, memory), set('G', memory), set('H', memory)],
    }),
    unsent: () => ({ effects: [unreachable] }),
  },
  accepted: {
    // INVITE: soaked up. ACK: never comes here, it belongs to the layer above.
    success: (response) => ({ effects: [send(writeMessage(response))] }),
    unsent: () => ({ effects: [unreachable] }),
    L: () => ({ to: 'terminated', effects: [] }),
  },
  completed: {
    request: (_, memory) => ({ effects: again(memory) }),
    ack: (_, memory) => ({ to: 'confirmed', effects: [stop, set('I', forgetMessages(memory))] }),
    G: (_, memory) => ({ effects: [...again(memory), double('G', memory, memory.lengths.t2)] }),
    H: () => ({ to: 'terminated', effects: [unacknowledged] }),
    // A transport error: the layer above has said its last word and need not hear of it.
  },
  confirmed: {
    I: () => ({ to: 'terminated', effects: [] }),
  },
  terminated: {},
}

/** An INVITE has come (RFC 3261 §17.2.1). */
export function inviteServer(request: Request, source: Flow, lengths: TimerLengths): NewMachine<State> {
  const memory = serverMemory(request, source, lengths)
  return { rows, machine: { state: 'proceeding', memory }, orders: [set('trying', memory)] }
}

function trying(memory: TransactionMemory): TransactionOrder[] {
  const response = trying100(memory)
  return response === undefined ? [] : [answer(response, memory)]
}

/** Nothing is repeated from here on, nor made from the request. */
function forgetMessages(memory: TransactionMemory): TransactionMemory {
  memory.request = undefined
  memory.last = undefined
  return memory
}
