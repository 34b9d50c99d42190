// Answers a repeated request with the answer it already had, and keeps to RFC 4320: no answer but a
// late 100 before the final one, and no 408, for the client has given up by itself by then.
// RFC 3261 figure 8.

import type { Flow } from '../ground/flow.ts'
import type { Turn } from '../ground/machine.ts'
import type { Request, Response } from '../sip/message.ts'
import {
  again,
  answer,
  type NewMachine,
  serverMemory,
  set,
  stop,
  type TransactionMemory,
  type TransactionOrder,
  type TransactionRows,
  trying100,
  unreachable,
} from './order.ts'
import type { TimerLengths } from './timers.ts'

type State = 'trying' | 'proceeding' | 'completed'

const rows: TransactionRows<State> = {
  trying: {
    // Provisionals from above: not sent (RFC 4320 §4.1).
    late: proceed,
    success: finish,
    failure: finish,
    F: () => ({ to: 'terminated', effects: [] }),
    unsent: () => ({ to: 'terminated', effects: [unreachable] }),
  },
  proceeding: {
    request: (_, memory) => ({ effects: again(memory) }),
    success: finish,
    failure: finish,
    F: () => ({ to: 'terminated', effects: [] }),
    unsent: () => ({ to: 'terminated', effects: [unreachable] }),
  },
  completed: {
    request: (_, memory) => ({ effects: again(memory) }),
    J: () => ({ to: 'terminated', effects: [] }),
    unsent: () => ({ to: 'terminated', effects: [] }),
  },
  terminated: {},
}

/** A request other than INVITE and ACK has come (RFC 3261 §17.2.2). F is the client's timer: by then it has gone. */
export function server(request: Request, source: Flow, lengths: TimerLengths): NewMachine<State> {
  const memory = serverMemory(request, source, lengths)
  const orders = [set('late', memory), set('F', memory)]
  return { rows, machine: { state: 'trying', memory }, orders }
}

function proceed(_: undefined, memory: TransactionMemory): Turn<State, TransactionOrder> {
  const response = trying100(memory)
  return { to: 'proceeding', effects: response === undefined ? [] : [answer(response, memory)] }
}

function finish(response: Response, memory: TransactionMemory): Turn<State, TransactionOrder> {
  // 408: the client stopped waiting at the same moment (RFC 4320 §4.2).
  if (response.status === 408) return { effects: [] }
  return { to: 'completed', effects: [stop, answer(response, memory), set('J', memory)] }
}
