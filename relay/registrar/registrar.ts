import type { BindingList, BindingReason, BindingTell, MonotonicMs, UtcMs } from '#contract'
import type { AuthFailureReason } from '../auth/auth-failure.ts'
import type { Verified } from '../auth/challenger.ts'
import { type TimeCorrected, wholeUtcAt } from '../ground/clock.ts'
import { earlierOf } from '../ground/deadlines.ts'
import type { Effect, Entropy, Input } from '../ground/effects.ts'
import { type Flow, isEncrypted, sameFlow } from '../ground/flow.ts'
import { sourcePrefix } from '../ground/source-prefix.ts'
import type { Header, Request, Response } from '../sip/message.ts'
import { type ReplyParts, reply } from '../sip/reply.ts'
import { isSipsUri, withoutHeaders } from '../sip/uri.ts'
import type { TransactionOutput } from '../transaction/layer.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { ContactBindings } from './contact-bindings.ts'
import { NatKeepAlive } from './nat-keep-alive.ts'
import { BindingProofs } from './proofs.ts'
import {
  changesOf,
  grantedContacts,
  isKeptOpen,
  outOfOrder,
  type Proved,
  type RequestedChange,
  removal,
  stated,
} from './requested-changes.ts'
import { type RequestedContact, readContacts } from './requested-contacts.ts'

/** Where an extension can be rung: send a request for `requestUri` over `flow`, through `path`. */
export interface Contact {
  readonly bindingId: string
  /** The registered contact without any headers in it, which are not ours to send. */
  readonly requestUri: string
  readonly q: number
  readonly flow: Flow
  /** Route values, first to be visited first (RFC 3327 §5.4). */
  readonly path: readonly string[]
  readonly userAgent: string
  /** The relay of our fleet where it registered, which is handed the call; absent: it registered here. */
  readonly relay?: string
}

interface Registered {
  readonly response: Response
  readonly tells: BindingTell[]
  /** Why nothing was granted. */
  readonly failed?: AuthFailureReason
}

/** In which realm a user of a domain proves itself. */
interface Realms {
  of(host: string, username: string): { readonly realm: string }
}

/** What happens to phones besides their REGISTERs: connections close, answers to keep-alives come, and time passes. */
type RegistrarInput =
  | Extract<Input, { type: 'closed' | 'restored' | 'beat' | 'drain' | 'resume' }>
  | Extract<TransactionOutput, { type: 'stray' }>
  | TimeCorrected
  | { readonly type: 'tick' }

/* Implementation */
const extensions = new Set(['path'])
/** What a relay which is about to end grants at most, in seconds: so soon its phones look for another. */
const drainingS = 30

/**
 * The registrar (RFC 3261 §10.3).
 *
 * A request is granted whole or not at all. A phone more than an extension may have takes the place of the one
 * heard of longest ago: what a restarted phone left behind must not keep it out.
 */
export class Registrar {
  readonly #bindings: ContactBindings
  readonly #entropy: Entropy
  readonly #keepOpen: NatKeepAlive
  readonly #proofs: BindingProofs
  readonly #realms: Realms
  readonly #utc: { readonly epoch: number }
  #draining = false
  /** Since this process began the edge has listed where phones are; and has said what it orders. */
  #hasList = false
  #hasOrders = false

  /** Without `realms` each domain is a realm. */
  constructor(endpoint: SipEndpoint, realms: Realms = { of: (realm) => ({ realm }) }) {
    this.#realms = realms
    this.#utc = endpoint
    this.#entropy = endpoint.entropy
    this.#keepOpen = new NatKeepAlive(endpoint)
    this.#proofs = new BindingProofs(endpoint.hashes)
    this.#bindings = new ContactBindings(endpoint, this.#keepOpen, this.#proofs)
  }

  /** Bindings held. */
  get size(): number {
    return this.#bindings.size
  }

  receive(event: RegistrarInput, now: MonotonicMs): Effect[] | undefined {
    const at = wholeUtcAt(this.#utc, now)
    switch (event.type) {
      case 'closed':
        return told(this.flowLost(at, event.flow))
      case 'restored':
        return told(this.restore(now, at, event.list, event.from))
      case 'beat':
        return told(this.ordered(at))
      case 'drain':
      case 'resume':
        this.#draining = event.type === 'drain'
        return []
      case 'corrected':
        return told(this.timeTold(now, at, event.behindMs))
      case 'stray': {
        const tells = this.answered(now, at, event.response, event.flow)
        return tells && told(tells)
      }
      case 'tick':
        return [...told(this.tick(now, at)), ...this.keepOpen(now, at)]
    }
  }

  /** Answers a REGISTER whose sender proved to be `verified`. */
  register(now: MonotonicMs, at: UtcMs, request: Request, flow: Flow, verified: Verified): Registered {
    const answer = (status: number, parts: ReplyParts = {}): Response =>
      reply(request, status, { ...parts, toTag: this.#entropy.hex(8), flow })
    const refused = (status: number, parts?: ReplyParts, failed: AuthFailureReason = 'REGISTER_REFUSED') => ({
      response: answer(status, parts),
      tells: [],
      failed,
    })

    const unsupported = request.all('require').filter((option) => !extensions.has(option.toLowerCase()))
    if (unsupported.length > 0)
      return refused(420, { headers: unsupported.map((option) => ['unsupported', option]) })
    const { credential } = verified
    if (!owns(verified, request, this.#realms)) return refused(403, {}, 'NOT_ITS_ACCOUNT')
    const most = this.#draining ? Math.min(credential.max_expires, drainingS) : credential.max_expires
    const { min_expires, default_expires } = credential
    const limits = { min_expires, default_expires, max_expires: most }
    const requested = readContacts(request, limits, (contact) =>
      isKeptOpen(credential, request, contact, flow)
        ? Math.min(credential.min_expires, credential.keepalive_s)
        : credential.min_expires,
    )
    if (requested.kind === 'refused') {
      const headers: Header[] =
        requested.minExpires === undefined ? [] : [['min-expires', `${requested.minExpires}`]]
      return refused(requested.status, { reason: requested.reason, headers }, requested.failed)
    }

    if (requested.kind === 'contacts' && !isEncrypted(flow) && requested.contacts.some(isSipsBinding))
      return refused(400, { reason: 'Bad Request: a sips Contact takes TLS' }, 'SIPS_WITHOUT_TLS')

    const held = this.#bindings.of(credential.extension_id)
    const changes =
      requested.kind === 'nothing'
        ? held.map(removal)
        : changesOf(requested.contacts, credential.extension_id, this.#bindings)
    if (changes.some(({ binding }) => binding !== undefined && outOfOrder(binding, request)))
      return refused(500)
    if (
      changes.filter(({ contact }) => contact !== undefined && contact.seconds > 0).length >
      credential.max_contacts
    )
      return refused(403, { reason: 'Too Many Contacts' }, 'TOO_MANY_CONTACTS')

    const path = requested.kind === 'contacts' ? requested.path : []
    const proof = this.#bindings.proofOf(credential.extension_id, credential.ha1_md5)
    const proved = { ...verified, proof }
    const tells: BindingTell[] = []
    for (const change of changes) tells.push(...this.#apply(now, at, request, flow, proved, path, change))
    tells.push(...this.#makeRoom(at, credential.extension_id, credential.max_contacts))
    const headers = grantedContacts(at, this.#bindings.of(credential.extension_id))
    return {
      response: answer(200, { headers: [...headers, ...path.map((hop): Header => ['path', hop])] }),
      tells,
    }
  }

  /** Where an extension can be rung now: highest q first, then the one heard of last. */
  contacts(customerId: string, extensionId: string, at: UtcMs): Contact[] {
    return this.#bindings
      .of(extensionId)
      .filter((binding) => binding.owner.customerId === customerId && this.#bindings.lives(binding, at))
      .sort((a, b) => b.q - a.q || b.refreshedAt - a.refreshedAt)
      .map(({ bindingId, contact, q, flow, path, userAgent }) => {
        return { bindingId, requestUri: withoutHeaders(contact), q, flow, path, userAgent }
      })
  }

  /** Ends what an account proved by another HA1 than this one; undefined: all it has. */
  revoke(at: UtcMs, extensionId: string, ha1: string | undefined, reason: BindingReason): BindingTell[] {
    const proof = ha1 === undefined ? undefined : this.#proofs.of(ha1)
    const over = this.#bindings.of(extensionId).filter((binding) => binding.proof !== proof)
    return over.flatMap((binding) => this.#bindings.remove(at, binding, 'unregistered', reason))
  }

  /** Customers whose registrations were taken up after a restart, where some were not compared since with what is configured. */
  get unconfirmed(): readonly string[] {
    return this.#bindings.unconfirmed.customers
  }

  /** The extensions and trunks of a customer with such registrations, so many at most. */
  unconfirmedOf(customerId: string, atMost: number): ReadonlySet<string> {
    return this.#bindings.unconfirmed.of(customerId, atMost)
  }

  /** Nothing more is known of an account's, and they stay. */
  settle(extensionId: string): void {
    for (const binding of this.#bindings.of(extensionId)) this.#bindings.unconfirmed.settle(binding)
  }

  /** Looks at those of an account, once: ends what was proved by another HA1 than this one, undefined: all. Where by which is not known, it stays. */
  confirm(at: UtcMs, extensionId: string, ha1: string | undefined, reason: BindingReason): BindingTell[] {
    const { unconfirmed } = this.#bindings
    const held = this.#bindings.of(extensionId).filter((binding) => unconfirmed.has(binding))
    for (const binding of held) unconfirmed.settle(binding)
    const proof = ha1 === undefined ? undefined : this.#proofs.of(ha1)
    const over = held.filter((one) => proof === undefined || (one.proof !== 0 && one.proof !== proof))
    return over.flatMap((binding) => this.#bindings.remove(at, binding, 'unregistered', reason))
  }

  /** Ends what was proved by tokens which were ended. */
  revokeTokens(at: UtcMs, extensionId: string, ended: readonly string[]): BindingTell[] {
    const over = this.#bindings
      .of(extensionId)
      .filter(({ tokenId }) => tokenId !== null && ended.includes(tokenId))
    return over.flatMap((binding) => this.#bindings.remove(at, binding, 'unregistered', 'TOKEN_ENDED'))
  }

  /** Ends one registration, if it is still there; `known`: the sequence of what was told of it by then, since one which began later is another. */
  end(at: UtcMs, extensionId: string, bindingId: string, known = Number.POSITIVE_INFINITY): BindingTell[] {
    const binding = this.#bindings
      .of(extensionId)
      .find((one) => one.bindingId === bindingId && one.began <= known)
    return binding ? this.#bindings.remove(at, binding, 'unregistered', 'BY_API') : []
  }

  /** Whether an extension has a phone at the other end of this very flow, or one from its source prefix. */
  whereabouts(extensionId: string, flow: Flow): 'here' | 'near' | undefined {
    const held = this.#bindings.of(extensionId)
    if (held.some((binding) => sameFlow(binding.flow, flow))) return 'here'
    const prefix = sourcePrefix(flow.address)
    return held.some((binding) => sourcePrefix(binding.flow.address) === prefix) ? 'near' : undefined
  }

  /** Whether some phone can be reached by this connection only. */
  needs(flow: Flow): boolean {
    return this.#bindings.over(flow)
  }

  /** Takes up this relay's bindings after a restart; what went with the old process is told. */
  restore(now: MonotonicMs, at: UtcMs, list: BindingList, from: 'disk' | 'edge' = 'edge'): BindingTell[] {
    const tells = this.#bindings.restore(now, at, list, from)
    if (from === 'disk') return tells
    this.#hasList = true
    return [...tells, ...this.#settled(at)]
  }

  /** The edge has said what it orders, and that was done: which registrations are to end, too. */
  ordered(at: UtcMs): BindingTell[] {
    if (this.#hasOrders) return []
    this.#hasOrders = true
    return this.#settled(at)
  }

  /**
   * What the process before had not told of those on disk, once both were heard: what was ended while this relay was down is
   * in no list, and is not told as registered.
   */
  #settled(at: UtcMs): BindingTell[] {
    return this.#hasList && this.#hasOrders ? this.#bindings.settled(at) : []
  }

  /** The edge has told the time; our UTC was behind it by so many ms. */
  timeTold(now: MonotonicMs, at: UtcMs, behindMs: number): BindingTell[] {
    return this.#bindings.timeTold(now, at, behindMs)
  }

  /** A connection is gone, and with it every binding which could be reached only through it. */
  flowLost(at: UtcMs, flow: Flow): BindingTell[] {
    return this.#bindings.lose(at, flow)
  }

  /** Forgets what has expired. */
  tick(now: MonotonicMs, at: UtcMs): BindingTell[] {
    return this.#bindings.expire(now, at)
  }

  /** What keeps NATs open, as far as it is due, and which phones answer no longer. */
  keepOpen(now: MonotonicMs, at: UtcMs): Effect[] {
    const { effects, lost } = this.#keepOpen.tick(now)
    const tells = lost.map((binding): Effect => ({ type: 'tell', tell: this.#bindings.lost(at, binding) }))
    return [...effects, ...tells]
  }

  /** What there is to tell of a response to one of our questions whether a phone is there; undefined: it is to none. */
  answered(now: MonotonicMs, at: UtcMs, response: Response, flow: Flow): BindingTell[] | undefined {
    if (!this.#keepOpen.isAnswer(response)) return undefined
    const binding = this.#keepOpen.answered(now, response, flow)
    return binding ? this.#bindings.answered(at, binding) : []
  }

  nextDeadline(): number | undefined {
    return earlierOf(this.#bindings.nextDeadline(), this.#keepOpen.nextDeadline())
  }

  #apply(
    now: MonotonicMs,
    at: UtcMs,
    request: Request,
    flow: Flow,
    proved: Proved,
    path: readonly string[],
    { binding, contact }: RequestedChange,
  ): BindingTell[] {
    if (contact === undefined || contact.seconds === 0)
      return binding === undefined ? [] : this.#bindings.remove(at, binding, 'unregistered', 'BY_PHONE')
    const state = stated(at, request, flow, proved, path, contact, binding)
    if (binding === undefined) return [this.#bindings.add(now, at, proved.credential, state)]
    return [this.#bindings.refresh(now, at, binding, state)]
  }

  #makeRoom(at: UtcMs, extensionId: string, atMost: number): BindingTell[] {
    const held = this.#bindings.of(extensionId)
    if (held.length <= atMost) return []
    const surplus = [...held]
      .sort((a, b) => Number(b.lost) - Number(a.lost) || a.refreshedAt - b.refreshedAt)
      .slice(0, held.length - atMost)
    return surplus.flatMap((binding) => this.#bindings.remove(at, binding, 'unregistered', 'PUT_OUT'))
  }
}

function told(tells: readonly BindingTell[]): Effect[] {
  return tells.map((tell) => ({ type: 'tell', tell }))
}

/** It would be called there over what it came by (RFC 5630 §5.2); one which is taken away is not. */
function isSipsBinding({ uri, seconds }: RequestedContact): boolean {
  return seconds > 0 && isSipsUri(uri)
}

/** Whether the address-of-record in To is the sender's own (§10.3 step 4). */
function owns({ credential }: Verified, request: Request, realms: Realms): boolean {
  const { sip } = request.to
  if (sip === undefined || sip.user !== credential.extension) return false
  if (sip.host === credential.realm || sip.host === request.target?.host) return true
  return realms.of(sip.host, sip.user).realm === credential.realm
}
