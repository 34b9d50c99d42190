import type { BeatAnswer, MonotonicMs, UtcMs } from '#contract'
import type { Verified } from '../auth/challenger.ts'
import {
  type Dialog,
  dialogKey,
  dialogKeyOf,
  receiveInDialog,
  refreshTarget,
  uasDialog,
} from '../dialog/dialog.ts'
import { inDialog } from '../dialog/request.ts'
import { wholeUtcAt } from '../ground/clock.ts'
import { Deadlines } from '../ground/deadlines.ts'
import { EffectBuffer } from '../ground/effect-buffer.ts'
import type { Input } from '../ground/effects.ts'
import { type Flow, hostPort } from '../ground/flow.ts'
import type { BeatPart, BeatReporter } from '../ground/reporter.ts'
import { encode } from '../sip/charset.ts'
import { type Header, type Request, type Response, request as requestOf } from '../sip/message.ts'
import { MESSAGE_SUMMARY } from '../sip/message-summary.ts'
import { reply } from '../sip/reply.ts'
import type { ClientOutput, TransactionOutput, Transactions } from '../transaction/layer.ts'
import { contactOf, type SipEndpoint, viaOf } from '../ua/endpoint.ts'
import type { Contact, Registrar } from './registrar.ts'

/** Seconds which a subscription lasts at most, and at least. */
const [LONGEST_S, SHORTEST_S] = [86_400, 60]
/** Subscriptions of one extension: what a phone forgot runs out. */
const AT_MOST = 10

interface MessageWaitingDeps {
  readonly endpoint: SipEndpoint
  readonly registrar: Pick<Registrar, 'contacts'>
  readonly transactions: Transactions
}

/** What lies in a mailbox. */
type Mailbox = NonNullable<BeatAnswer['mailboxes']>[number]

/** A phone which asked to be told (RFC 6665). */
interface Subscription {
  readonly key: string
  readonly dialog: Dialog
  readonly extensionId: string
  readonly account: string
  flow: Flow
  until: MonotonicMs
}

type MessageWaitingInput =
  | ClientOutput
  | Extract<Input, { type: 'beat' | 'news' }>
  | { readonly type: 'tick' }

/**
 * Lights the lamps of phones in whose mailbox something new lies (RFC 3842), as beats say: by NOTIFYs to those which asked
 * for it, and to all others which are registered, as what changes, and when they register.
 */
export class MessageWaiting implements BeatReporter {
  readonly #deps: MessageWaitingDeps
  readonly #effects = new EffectBuffer<TransactionOutput>()
  readonly #mailboxes = new Map<string, Mailbox>()
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #expiring = new Deadlines<Subscription>()
  /** NOTIFYs under way; undefined: to a phone which did not ask. */
  readonly #notifying = new Map<number, Subscription | undefined>()
  /** What the edge's clock said when it told last. */
  #since: string | undefined

  constructor(deps: MessageWaitingDeps) {
    this.#deps = deps
  }

  nextDeadline(): number | undefined {
    return this.#expiring.next()
  }

  beatPart(): Partial<BeatPart> {
    return this.#since === undefined ? {} : { mailboxes_since: this.#since }
  }

  receive(event: MessageWaitingInput, now: MonotonicMs): readonly TransactionOutput[] | undefined {
    if (event.type === 'beat') this.#told(now, event.answer)
    else if (event.type === 'news') this.#told(now, event.news)
    else if (event.type === 'tick') this.#expire(now)
    else if (!this.#heard(event)) return undefined
    return this.#effects.take() as TransactionOutput[]
  }

  /** A phone has registered: what lies in its mailbox it is told where that is something new, unless it subscribed. */
  registered(now: MonotonicMs, at: UtcMs, { credential }: Verified): readonly TransactionOutput[] {
    const mailbox = this.#mailboxes.get(credential.extension_id)
    if (mailbox !== undefined && mailbox.new > 0) this.#tellContacts(now, at, mailbox)
    return this.#effects.take() as TransactionOutput[]
  }

  /** Answers a SUBSCRIBE of a phone which proved who it is, and tells it at once how things stand (RFC 6665 §4.2.1). */
  subscribe(
    now: MonotonicMs,
    request: Request,
    flow: Flow,
    { credential }: Verified,
  ): { readonly response: Response; readonly after: () => readonly TransactionOutput[] } {
    const { endpoint } = this.#deps
    const asked = Number(request.header('expires') ?? 3600)
    if (!Number.isInteger(asked) || asked < 0) return refused(request, flow, 400)
    if (asked > 0 && asked < SHORTEST_S)
      return refused(request, flow, 423, [['min-expires', String(SHORTEST_S)]])
    const seconds = Math.min(asked, LONGEST_S)
    const found = this.#found(request)
    if (request.to.tag !== undefined && found?.extensionId !== credential.extension_id)
      return refused(request, flow, 481)
    if (found && receiveInDialog(found.dialog, request) === 'old') return refused(request, flow, 500)
    if (!found && this.#of(credential.extension_id).length >= AT_MOST) return refused(request, flow, 403)
    const toTag = found?.dialog.localTag ?? endpoint.entropy.hex(8)
    const response = reply(request, 200, {
      flow,
      toTag,
      headers: [
        ['expires', String(seconds)],
        ['contact', contactOf(endpoint, flow.transport)],
      ],
    })
    const account = `sip:${credential.extension}@${credential.realm}`
    const one = found ?? subscriptionOf(request, toTag, credential.extension_id, account, flow, now)
    if (found) refreshTarget(one.dialog, request, 200)
    one.flow = flow
    one.until = (now + seconds * 1000) as MonotonicMs
    return { response, after: () => this.#subscribed(now, one) }
  }

  #subscribed(now: MonotonicMs, one: Subscription): readonly TransactionOutput[] {
    const over = one.until <= now
    if (over) this.#subscriptions.delete(one.key)
    else {
      this.#subscriptions.set(one.key, one)
      this.#expiring.set(one.until, one)
    }
    this.#notify(now, one, over ? 'terminated;reason=timeout' : undefined)
    return this.#effects.take() as TransactionOutput[]
  }

  #told(now: MonotonicMs, { mailboxes, at }: Partial<BeatAnswer>): void {
    if (mailboxes === undefined || at === undefined) return
    this.#since = at
    for (const mailbox of mailboxes) {
      const before = this.#mailboxes.get(mailbox.extension_id)
      if (mailbox.new + mailbox.old === 0) this.#mailboxes.delete(mailbox.extension_id)
      else this.#mailboxes.set(mailbox.extension_id, mailbox)
      const changed = (before?.new ?? 0) !== mailbox.new || (before?.old ?? 0) !== mailbox.old
      if (changed) this.#tell(now, mailbox)
    }
  }

  #tell(now: MonotonicMs, mailbox: Mailbox): void {
    for (const one of this.#of(mailbox.extension_id)) this.#notify(now, one)
    this.#tellContacts(now, wholeUtcAt(this.#deps.endpoint, now), mailbox)
  }

  /** Those who subscribed hear it in their dialog. */
  #tellContacts(now: MonotonicMs, at: UtcMs, mailbox: Mailbox): void {
    const { registrar } = this.#deps
    const asked = this.#of(mailbox.extension_id).map(({ flow }) => hostPort(flow.address, flow.port))
    for (const contact of registrar.contacts(mailbox.customer_id, mailbox.extension_id, at))
      if (!asked.includes(hostPort(contact.flow.address, contact.flow.port)))
        this.#send(now, this.#unasked(contact, mailbox), contact.flow, undefined)
  }

  #notify(now: MonotonicMs, one: Subscription, state?: string): void {
    const { endpoint } = this.#deps
    const left = Math.max(0, Math.round((one.until - now) / 1000))
    const request = inDialog(one.dialog, {
      method: 'NOTIFY',
      via: viaOf(endpoint, one.flow),
      contact: contactOf(endpoint, one.flow.transport),
      headers: headersOf(state ?? `active;expires=${left}`),
      body: summary(this.#mailboxes.get(one.extensionId), one.account),
    })
    this.#send(now, request, one.flow, one)
  }

  /** A NOTIFY to a phone which did not ask for it: many wait for nothing else. */
  #unasked({ requestUri, path, flow }: Contact, mailbox: Mailbox): Request {
    const { endpoint } = this.#deps
    const us = contactOf(endpoint, flow.transport)
    return requestOf({
      method: 'NOTIFY',
      requestUri,
      headers: [
        ['via', viaOf(endpoint, flow)],
        ...path.map((hop): Header => ['route', hop]),
        ['max-forwards', '70'],
        ['from', `${us};tag=${endpoint.entropy.hex(8)}`],
        ['to', `<${requestUri}>`],
        ['call-id', `${endpoint.entropy.hex(12)}@${endpoint.address}`],
        ['cseq', '1 NOTIFY'],
        ['contact', us],
        ...headersOf('active'),
      ],
      body: summary(mailbox, undefined),
    })
  }

  #send(now: MonotonicMs, request: Request, flow: Flow, one: Subscription | undefined): void {
    const { id, outputs } = this.#deps.transactions.request(now, request, flow)
    this.#notifying.set(id, one)
    this.#effects.pass(outputs)
  }

  /** Whether it is about a NOTIFY of ours. One which is answered 481, or not at all, ends its subscription (RFC 6665 §4.2.2). */
  #heard(event: ClientOutput): boolean {
    if (!this.#notifying.has(event.id)) return false
    const one = this.#notifying.get(event.id)
    const gone = event.type === 'timeout' || event.type === 'unreachable'
    const unknown = event.type === 'response' && [404, 405, 481, 489].includes(event.response.status)
    if (one && (gone || unknown)) this.#subscriptions.delete(one.key)
    if (event.type === 'ended') this.#notifying.delete(event.id)
    return true
  }

  #expire(now: MonotonicMs): void {
    for (let one = this.#expiring.due(now); one; one = this.#expiring.due(now)) {
      // It may have been renewed since.
      if (one.until > now || this.#subscriptions.get(one.key) !== one) continue
      this.#subscriptions.delete(one.key)
      this.#notify(now, one, 'terminated;reason=timeout')
    }
  }

  #found(request: Request): Subscription | undefined {
    const key = request.to.tag === undefined ? undefined : dialogKeyOf(request)
    return key === undefined ? undefined : this.#subscriptions.get(key)
  }

  #of(extensionId: string): Subscription[] {
    return [...this.#subscriptions.values()].filter((one) => one.extensionId === extensionId)
  }
}

function subscriptionOf(
  request: Request,
  localTag: string,
  extensionId: string,
  account: string,
  flow: Flow,
  until: MonotonicMs,
): Subscription {
  const dialog = uasDialog(request, localTag)
  dialog.confirmed = true
  const key = dialogKey(dialog)
  return { key, dialog, extensionId, account, flow, until }
}

function refused(request: Request, flow: Flow, status: number, headers: readonly Header[] = []) {
  return { response: reply(request, status, { flow, headers }), after: () => [] }
}

function headersOf(state: string): Header[] {
  return [
    ['event', MESSAGE_SUMMARY],
    ['subscription-state', state],
    ['content-type', 'application/simple-message-summary'],
  ]
}

/** RFC 3842 §5.2. */
function summary(mailbox: Mailbox | undefined, account: string | undefined): Uint8Array {
  const { new: fresh, old } = mailbox ?? { new: 0, old: 0 }
  return encode(
    [
      `Messages-Waiting: ${fresh > 0 ? 'yes' : 'no'}`,
      ...(account === undefined ? [] : [`Message-Account: ${account}`]),
      `Voice-Message: ${fresh}/${old} (0/0)`,
      '',
    ].join('\r\n'),
  )
}
