// Answers a repeated request with the answer it already had, and keeps to RFC 4320: no answer but a
// late 100 before the final one, and no 408, for the client has given up by itself by then.
// RFC 3261 figure 8.

import type { Request, Response } from '../sip/message.ts'
import { reply } from '../sip/reply.ts'
import { writeMessage } from '../sip/write.ts'
import {
  again,
  type Memory,
  memory,
  type Order,
  type Rows,
  type Start,
  send,
  set,
  stop,
  unreachable,
} from './order.ts'
import type { Lengths } from './timers.ts'

type State = 'trying' | 'proceeding' | 'completed'

const rows: Rows<State> = {
  trying: {
    // Provisionals from above: not sent (RFC 4320 §4.1).
    late: (_, memory) => ({ to: 'proceeding', effects: hundred(memory) }),
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

/** A request other than INVITE and ACK has come (RFC 3261 §17.2.2). Timer F is the client's: then it has gone. */
export function server(request: Request, lengths: Lengths): Start<State> {
  const remembered = memory(request, lengths)
  const orders = [set('late', remembered), set('F', remembered)]
  return { rows, machine: { state: 'trying', memory: remembered }, orders }
}

function finish(response: Response, memory: Memory): { to?: State; effects: Order[] } {
  // 408: the client stopped waiting at the same moment (RFC 4320 §4.2).
  if (response.status === 408) return { effects: [] }
  return { to: 'completed', effects: [stop, answer(response, memory), set('J', memory)] }
}

function hundred(memory: Memory): Order[] {
  return memory.request === undefined ? [] : [answer(reply(memory.request, 100), memory)]
}

function answer(response: Response, memory: Memory): Order {
  memory.request = undefined
  memory.last = writeMessage(response)
  return send(memory.last)
}
