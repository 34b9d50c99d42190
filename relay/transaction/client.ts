// Repeats a request until it is answered, and hides the answer's repetitions from the layer above.
// RFC 3261 figure 6.

import type { Turn } from '../ground/machine.ts'
import type { Request, Response } from '../sip/message.ts'
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

type State = 'trying' | 'proceeding' | 'completed'

const rows: TransactionRows<State> = {
  trying: {
    E: (_, memory) => ({ effects: [...again(memory), double('E', memory, memory.lengths.t2)] }),
    F: () => ({ to: 'terminated', effects: [timeout] }),
    unsent: () => ({ to: 'terminated', effects: [unreachable] }),
    provisional: (response) => ({ to: 'proceeding', effects: [pass(response)] }),
    success: finish,
    failure: finish,
    abandon: () => ({ to: 'terminated', effects: [] }),
  },
  proceeding: {
    E: (_, memory) => ({ effects: [...again(memory), slow('E', memory)] }),
    F: () => ({ to: 'terminated', effects: [timeout] }),
    unsent: () => ({ to: 'terminated', effects: [unreachable] }),
    provisional: (response) => ({ effects: [pass(response)] }),
    success: finish,
    failure: finish,
    abandon: () => ({ to: 'terminated', effects: [] }),
  },
  completed: {
    K: () => ({ to: 'terminated', effects: [] }),
  },
  terminated: {},
}

/** A request other than INVITE and ACK goes out (RFC 3261 §17.1.2). */
export function client(request: Request, lengths: TimerLengths): NewMachine<State> {
  const bytes = writeMessage(request)
  const memory = clientMemory(undefined, bytes, lengths)
  const orders = [send(bytes), set('E', memory), set('F', memory)]
  return { rows, machine: { state: 'trying', memory }, orders }
}

/** Something is there and works on it: no hurry (§17.1.2.2). */
function slow(timer: 'E', memory: TransactionMemory): TransactionOrder {
  return { type: 'set', timer, ms: memory.lengths.t2 }
}

function finish(response: Response, memory: TransactionMemory): Turn<State, TransactionOrder> {
  memory.last = undefined
  return { to: 'completed', effects: [stop, pass(response), set('K', memory)] }
}
