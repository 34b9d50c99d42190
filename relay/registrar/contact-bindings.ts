import {
  type Binding,
  type BindingList,
  type BindingReason,
  type BindingTell,
  type MonotonicMs,
  parseUtc,
  type UtcMs,
  utcMs,
} from '#contract'
import { Deadlines } from '../ground/deadlines.ts'
import type { Hashes } from '../ground/effects.ts'
import type { Flow } from '../ground/flow.ts'
import { detached } from '../ground/texts.ts'
import { parseUri, sameUri } from '../sip/uri.ts'
import type { SipEndpoint } from '../ua/endpoint.ts'
import { BindingTells, placeOf, samePlace } from './binding-tells.ts'
import {
  type AccountBindings,
  type BindingState,
  bindingIdOf,
  type ContactBinding,
  contactBinding,
  restate,
} from './contact-binding.ts'
import { KeptTexts } from './kept-texts.ts'
import type { NatKeepAlive } from './nat-keep-alive.ts'
import type { BindingProofs } from './proofs.ts'
import { UnconfirmedBindings } from './unconfirmed-bindings.ts'
import { UntoldBindings } from './untold-bindings.ts'

/** A contact is forgotten this long after its time was up. */
const graceMs = 1000
/** One which was on disk is not forgotten sooner, as long as only this machine's clock says that its time is up. */
const doubtMs = 1_800_000
/** One whose time was up so long ago is forgotten, whatever the clock. */
const longGoneMs = 86_400_000
const none: readonly ContactBinding[] = []

/** Which contacts each extension has, until when, and over which connection. */
export class ContactBindings {
  readonly #hashes: Hashes
  readonly #ownerByExtension = new Map<string, AccountBindings>()
  readonly #entriesByConnection = new Map<string, Set<ContactBinding>>()
  readonly #deadlines = new Deadlines<ContactBinding>()
  readonly #keepOpen: NatKeepAlive
  readonly #texts = new KeptTexts()
  readonly #tells: BindingTells
  /** Removed before the edge's list was heard, which may still name them: their last sequence, by id. */
  #gone: Map<string, number> | undefined = new Map()
  /** Taken up from disk before the edge told the time, and not refreshed since; undefined once it did. */
  #doubtful: Set<ContactBinding> | undefined = new Set()
  readonly unconfirmed = new UnconfirmedBindings()
  readonly #untold = new UntoldBindings()
  readonly #proofs: BindingProofs
  #size = 0

  constructor(
    endpoint: Pick<SipEndpoint, 'relayId' | 'entropy' | 'hashes'>,
    keepOpen: NatKeepAlive,
    proofs: BindingProofs,
  ) {
    this.#hashes = endpoint.hashes
    this.#tells = new BindingTells(endpoint)
    this.#keepOpen = keepOpen
    this.#proofs = proofs
  }

  get size(): number {
    return this.#size
  }

  /** In the order they were first registered. */
  of(extensionId: string): readonly ContactBinding[] {
    return this.#ownerByExtension.get(extensionId)?.bindings ?? none
  }

  /** What stands for an HA1 by which one of an account proves itself: nearly always the one of before. */
  proofOf(extensionId: string, ha1: string): number {
    const owner = this.#ownerByExtension.get(extensionId)
    if (owner?.ha1 === ha1) return owner.proof
    const proof = this.#proofs.of(ha1)
    if (owner) Object.assign(owner, { ha1, proof })
    return proof
  }

  /** The binding a contact names: by instance where it has one, else by equivalent URI (RFC 3261 §10.3, RFC 5626 §6). */
  find(extensionId: string, contact: { uri: string; instance: string }): ContactBinding | undefined {
    const entries = this.of(extensionId)
    if (contact.instance !== '') {
      // By id: the edge, which brings bindings back after a restart, knows of no instances.
      const id = bindingIdOf(this.#hashes, extensionId, contact.instance)
      return entries.find(({ bindingId }) => bindingId === id)
    }
    const plain = entries.filter(({ instance }) => instance === '')
    const spelledAlike = plain.find((binding) => binding.contact === contact.uri)
    if (spelledAlike !== undefined || plain.length === 0) return spelledAlike
    const uri = parseUri(contact.uri)
    return plain.find((binding) => {
      const held = parseUri(binding.contact)
      return uri !== undefined && held !== undefined && sameUri(uri, held)
    })
  }

  add(
    now: MonotonicMs,
    at: UtcMs,
    who: Pick<Binding, 'account' | 'customer_id' | 'extension_id'>,
    stated: BindingState,
  ): BindingTell {
    const owner = this.#owner(who)
    const bindingId = detached(
      bindingIdOf(this.#hashes, owner.extensionId, stated.instance || stated.contact),
    )
    const binding = contactBinding(owner, bindingId, this.#texts.owned(stated), at, at, 0)
    this.#insert(now, at, binding)
    this.#keepOpen.heard(now, binding)
    const told = this.#tells.tell(at, binding, 'registered')
    binding.began = binding.sequence
    return told
  }

  refresh(now: MonotonicMs, at: UtcMs, binding: ContactBinding, stated: BindingState): BindingTell {
    const before = samePlace(binding, stated) ? null : placeOf(binding)
    const wasLost = binding.lost
    this.#unlink(binding)
    this.#doubtful?.delete(binding)
    this.unconfirmed.settle(binding)
    this.#keepOpen.forget(binding)
    restate(binding, this.#texts.owned(stated, binding))
    binding.refreshedAt = at
    binding.lost = false
    this.#link(now, at, binding)
    this.#keepOpen.heard(now, binding)
    if (wasLost) return this.#tells.tell(at, binding, 'registered')
    return this.#tells.tell(at, binding, 'refreshed', '', before)
  }

  /** Nothing is told of one which was told as lost already. */
  remove(
    at: UtcMs,
    binding: ContactBinding,
    event: 'unregistered' | 'expired' | 'flow_lost',
    reason: BindingReason,
  ): BindingTell[] {
    this.#take(binding)
    const tells = binding.lost ? [] : [this.#tells.tell(at, binding, event, reason)]
    this.#gone?.set(binding.bindingId, binding.sequence)
    return tells
  }

  /** It answered until lately, and does no longer: it is not rung, and is asked on. */
  lost(at: UtcMs, binding: ContactBinding): BindingTell {
    Object.assign(binding, { lost: true, answers: false })
    this.#untold.settle(binding)
    return this.#tells.tell(at, binding, 'flow_lost', 'NO_ANSWER')
  }

  /** It answered. Only of one which was lost there is something to tell. */
  answered(at: UtcMs, binding: ContactBinding): BindingTell[] {
    if (!binding.lost) return []
    binding.lost = false
    return [this.#tells.tell(at, binding, 'registered', 'ANSWERS_AGAIN')]
  }

  /** Bindings whose time was up a second ago. */
  expire(now: MonotonicMs, at: UtcMs): BindingTell[] {
    const tells: BindingTell[] = []
    for (let binding = this.#deadlines.due(now); binding !== undefined; binding = this.#deadlines.due(now))
      tells.push(...this.remove(at, binding, 'expired', 'NOT_REFRESHED'))
    return tells
  }

  lose(at: UtcMs, flow: Flow): BindingTell[] {
    const entries = this.#entriesByConnection.get(connectionOf(flow) ?? '') ?? none
    return [...entries].flatMap((binding) => this.remove(at, binding, 'flow_lost', 'CONNECTION_CLOSED'))
  }

  /** Whether a phone can be reached by a connection. */
  over(flow: Flow): boolean {
    return this.#entriesByConnection.has(connectionOf(flow) ?? '')
  }

  /**
   * Takes up what the disk or the edge remembers: of two who know a binding, the higher sequence counts. A stream
   * has not survived the restart.
   */
  restore(now: MonotonicMs, at: UtcMs, list: BindingList, from: 'disk' | 'edge'): BindingTell[] {
    const doubtful = from === 'disk' ? this.#doubtful : undefined
    const over = doubtful ? at - longGoneMs : at
    const tells: BindingTell[] = []
    for (const { sequence, ...told } of list.bindings) {
      const owner = this.#owner(told)
      const held = owner.bindings.find(({ bindingId }) => bindingId === told.binding_id)
      const known = held?.sequence ?? this.#gone?.get(told.binding_id) ?? -1
      const expiresAt = parseUtc(told.expires_at)
      if (from === 'edge' && held) this.#untold.named(held, sequence)
      if (expiresAt <= over || sequence <= known) continue
      if (held) this.#take(held)
      const binding = this.#restored(owner, told, expiresAt, sequence)
      doubtful?.add(binding)
      if (from === 'disk') this.#untold.found(binding)
      this.unconfirmed.add(binding)
      this.#insert(now, at, binding)
      this.#keepOpen.add(now, binding)
      if (binding.flow.transport !== 'udp')
        tells.push(...this.remove(at, binding, 'flow_lost', 'RELAY_RESTARTED'))
    }
    return tells
  }

  /** Whether a contact can be rung: it is not lost, and its time is not yet up, as far as that is known. */
  lives(binding: ContactBinding, at: UtcMs): boolean {
    return !binding.lost && (binding.expiresAt > at || this.#doubtful?.has(binding) === true)
  }

  /**
   * The edge has told the time, to which `at` is put right; our UTC was behind by so many ms. What is on disk was said
   * in right time, unless it was said by this process.
   */
  timeTold(now: MonotonicMs, at: UtcMs, behindMs: number): BindingTell[] {
    const doubtful = this.#doubtful
    this.#doubtful = undefined
    for (const binding of doubtful ?? none) {
      this.#unlink(binding)
      this.#link(now, at, binding)
    }
    if (behindMs === 0) return []
    const own = this.#all().filter((binding) => !doubtful?.has(binding))
    for (const binding of own) {
      for (const time of ['registeredAt', 'refreshedAt', 'expiresAt'] as const)
        binding[time] = utcMs(binding[time] + behindMs)
    }
    return own.filter(({ lost }) => !lost).map((binding) => this.#tells.tell(at, binding, 'refreshed'))
  }

  #all(): ContactBinding[] {
    return [...this.#ownerByExtension.values()].flatMap(({ bindings: entries }) => entries)
  }

  /**
   * The edge's list was heard: nothing that is gone can come back any more. What stood on the disk and was not in it, as the
   * process before had not told it yet, is told as it is, unless its time is up: of all whom a long outage outlasted
   * there is nothing to tell.
   */
  settled(at: UtcMs): BindingTell[] {
    this.#gone = undefined
    const untold = this.#untold.heard().filter(({ expiresAt }) => expiresAt > at)
    return untold.map((binding) => this.#tells.again(binding))
  }

  nextDeadline(): number | undefined {
    return this.#deadlines.next()
  }

  #restored(owner: AccountBindings, binding: Binding, expiresAt: UtcMs, sequence: number): ContactBinding {
    const { contact, q, call_id: callId, cseq, received: flow, path, user_agent: userAgent } = binding
    const keepaliveMs = binding.keepalive_s * 1000
    const stated = this.#texts.owned({
      contact,
      instance: '',
      q,
      callId,
      cseq,
      flow,
      proof: this.#proofs.kept(binding.proof),
      tokenId: binding.token_id,
      behindNat: flow.transport === 'udp',
      keepaliveMs,
      path,
      userAgent,
      expiresAt,
    })
    const [registeredAt, refreshedAt] = [parseUtc(binding.registered_at), parseUtc(binding.refreshed_at)]
    return contactBinding(owner, binding.binding_id, stated, registeredAt, refreshedAt, sequence)
  }

  #owner(who: Pick<Binding, 'account' | 'customer_id' | 'extension_id'>): AccountBindings {
    const known = this.#ownerByExtension.get(who.extension_id)
    if (known !== undefined) return known
    const { account } = who
    const customerId = this.#texts.once(who.customer_id)
    return { account, customerId, extensionId: who.extension_id, bindings: [], ha1: undefined, proof: 0 }
  }

  #insert(now: MonotonicMs, at: UtcMs, binding: ContactBinding): void {
    const { owner } = binding
    this.#ownerByExtension.set(owner.extensionId, owner)
    // What is pushed to an empty list takes room for sixteen more.
    if (owner.bindings.length === 0) owner.bindings = [binding]
    else owner.bindings.push(binding)
    this.#size++
    this.#link(now, at, binding)
  }

  #link(now: MonotonicMs, at: UtcMs, binding: ContactBinding): void {
    const leftMs = binding.expiresAt - at + graceMs
    const doubted = this.#doubtful?.has(binding) === true
    binding.deadline = this.#deadlines.set(now + (doubted ? Math.max(leftMs, doubtMs) : leftMs), binding)
    const connection = connectionOf(binding.flow)
    if (connection === undefined) return
    const entries = this.#entriesByConnection.get(connection) ?? new Set()
    this.#entriesByConnection.set(connection, entries.add(binding))
  }

  #take(binding: ContactBinding): void {
    this.#unlink(binding)
    this.#untold.settle(binding)
    this.#keepOpen.forget(binding)
    this.#doubtful?.delete(binding)
    this.unconfirmed.settle(binding)
    const { bindings: entries, extensionId } = binding.owner
    entries.splice(entries.indexOf(binding), 1)
    if (entries.length === 0) this.#ownerByExtension.delete(extensionId)
    this.#size--
  }

  #unlink(binding: ContactBinding): void {
    this.#deadlines.cancel(binding.deadline)
    const connection = connectionOf(binding.flow)
    if (connection === undefined) return
    const entries = this.#entriesByConnection.get(connection)
    entries?.delete(binding)
    if (entries?.size === 0) this.#entriesByConnection.delete(connection)
  }
}

function connectionOf(flow: Flow): string | undefined {
  return flow.connection === undefined ? undefined : `${flow.transport} ${flow.connection}`
}
