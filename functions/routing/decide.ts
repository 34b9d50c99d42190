import type { RouteDecision, RouteQuestion } from '#contract'
import type { CallingParty } from './caller-id.ts'
import type { Configuration } from './configuration.ts'
import { type Draft, extensionAddress, refuse, telAddress } from './draft.ts'
import { decideForwarded } from './forwarding.ts'
import { decideIncoming } from './incoming.ts'
import { decideOrdered } from './ordered.ts'
import { decideOutgoing } from './outgoing.ts'
import type { Runtime } from './runtime.ts'
import { recognise } from './source.ts'

/**
 * Decides where a call goes, and says why.
 *
 * Always returns a decision; "nowhere" is `reject` with a reason. The same question on the same book at the
 * same instant is always decided alike.
 */
export function decide(question: RouteQuestion, book: Configuration, live: Runtime): RouteDecision {
  const { caller } = question
  if (caller.kind === 'source') return fromAddress(question, caller, book, live)
  if (caller.kind === 'forwarder') return decideForwarded(begin(question, book, live, 'outgoing'), caller)
  if (caller.kind === 'api') return decideOrdered(begin(question, book, live, 'outgoing'), caller)
  const party = partyOf(caller, book)
  const begun = begin(question, book, live, 'outgoing')
  if (!party) return refuse(begun, 403, 'CALLER_UNKNOWN', `The calling ${caller.kind} no longer exists.`)
  begun.caller = proved(party)
  return fromParty(begun, party)
}

type Caller = RouteQuestion['caller']

function fromAddress(
  question: RouteQuestion,
  caller: Extract<Caller, { kind: 'source' }>,
  book: Configuration,
  live: Runtime,
): RouteDecision {
  const source = recognise(question, caller, book, live.baseDomain)
  const known = begin(question, book, live, source.kind === 'trunk' ? 'outgoing' : 'incoming')
  if (source.kind === 'nobody') {
    known.customer_id = source.customer_id
    known.caller = { rule: 'none', why: source.why }
    return refuse(known, source.status, source.reason, source.message)
  }
  known.caller = { rule: source.rule, why: source.why }
  return source.kind === 'trunk'
    ? fromParty(known, { kind: 'trunk', trunk: source.trunk })
    : decideIncoming(known, source.provider, source.rung)
}

function fromParty(known: Draft, party: CallingParty): RouteDecision {
  const { customer_id } = party.kind === 'trunk' ? party.trunk : party.extension
  const customer = known.book.customer(customer_id)
  return customer
    ? decideOutgoing(known, party, customer)
    : refuse(known, 403, 'CALLER_UNKNOWN', 'The calling customer no longer exists.')
}

/** A case of which nothing is known but the question. */
function begin(
  question: RouteQuestion,
  book: Configuration,
  live: Runtime,
  direction: Draft['direction'],
): Draft {
  const { caller, from, to } = question
  const source =
    caller.kind === 'source' || caller.kind === 'forwarder' || caller.kind === 'api'
      ? { ...telAddress(from.user), name: from.display }
      : extensionAddress({ extension: from.user, name: '' })
  return {
    question,
    book,
    live,
    caller: { rule: 'none', why: 'the account which proved itself is not there any more' },
    customer_id: null,
    direction,
    source,
    destination: telAddress(to.user),
    extension_id: null,
    trunk_id: null,
    scopes: [],
    number: null,
    emergency: false,
    caller_id: null,
    hidden: null,
    limits: [],
    candidates: [],
    left_out: 0,
    plan: [],
  }
}

type Account = Exclude<Caller, { kind: 'source' | 'forwarder' | 'api' }>

function partyOf(caller: Account, book: Configuration): CallingParty | undefined {
  if (caller.kind === 'trunk') {
    const trunk = book.trunk(caller.customer_id, caller.trunk_id)
    return trunk && { kind: 'trunk', trunk }
  }
  const extension = book.extension(caller.customer_id, caller.extension_id)
  return extension && { kind: 'extension', extension }
}

function proved(party: CallingParty): Draft['caller'] {
  const name = party.kind === 'trunk' ? party.trunk.domain_name : party.extension.extension
  return { rule: 'digest', why: `the ${party.kind} ${name} proved itself by its password` }
}
