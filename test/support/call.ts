import { randomBytes } from 'node:crypto'
import { type Party, placeOf } from './party.ts'
import type { HostAndPort } from './sip-socket.ts'
import { all, header, methodOf, type SipText, statusOf, tagOf, uriOf } from './sip-text.ts'
import { type Direction, directionOf, Sound, sdp, soundPlace } from './sound.ts'
import { pause } from './wait.ts'

/** One call as one scripted party sees it: its dialog, its sound, and what became of it. */
export class Call {
  readonly party: Party
  readonly callId: string
  /** Our tag in the dialog. */
  readonly tag: string
  /** The INVITE that began it. */
  invite: SipText
  sound: Sound | undefined
  /** Statuses heard or given so far, provisionals included. */
  readonly statuses: number[] = []
  /** An incoming call to which we behave as if we were not there. */
  ignored = false
  /** The other side took the call away before it was answered. */
  wasCancelled = false
  /** Called when the other side cancels; refuses with 487 by default. */
  onCancel: () => void = () => this.refuse(487, 'Request Terminated')
  /** Methods the other side asked by inside the dialog, in order. */
  readonly asked: string[] = []
  /** Directions other re-INVITEs asked for, in order. */
  readonly reinvited: Direction[] = []
  /** What it answers to such a description in the place of its own sound; undefined: that. */
  answersAnew: ((offer: string) => Promise<string>) | undefined
  /** Number of ACKs heard for our final responses. */
  acks = 0
  /** ACKs heard by the time the other side said BYE; undefined: it did not. */
  acksAtBye: number | undefined
  /** Resolves once the call is over, saying who ended it. */
  readonly over: Promise<'us' | 'them'>
  #end: (who: 'us' | 'them') => void = () => undefined
  #local: string
  #remote: string
  #target: string
  #routes: string[] = []
  #cseq: number
  #version = 1
  #speaking: string | undefined

  private constructor(party: Party, invite: SipText, incoming: boolean) {
    this.party = party
    this.invite = invite
    this.callId = header(invite, 'call-id')
    this.tag = incoming ? randomBytes(5).toString('hex') : (tagOf(header(invite, 'from')) ?? '')
    this.#local = incoming ? `${header(invite, 'to')};tag=${this.tag}` : header(invite, 'from')
    this.#remote = incoming ? header(invite, 'from') : header(invite, 'to')
    this.#target = incoming ? uriOf(header(invite, 'contact')) : ''
    this.#routes = incoming ? all(invite, 'record-route') : []
    this.#cseq = incoming ? 1 : Number(header(invite, 'cseq').split(' ')[0])
    this.over = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  static incoming(party: Party, invite: SipText): Call {
    return new Call(party, invite, true)
  }

  static outgoing(party: Party, invite: SipText, sound: Sound): Call {
    const call = new Call(party, invite, false)
    call.sound = sound
    return call
  }

  /** Another callee of the same INVITE, as a forking carrier makes one (RFC 3261 §13.2.2.4). */
  fork(): Call {
    const other = new Call(this.party, this.invite, true)
    this.party.calls.push(other)
    return other
  }

  /** The user dialled, of an incoming call. */
  get dialled(): string {
    return /^\S+ sips?:([^@;>]*)@/.exec(this.invite.start)?.[1] ?? ''
  }

  trying(): void {
    this.#reply(100, 'Trying')
  }

  ring(): void {
    this.#reply(180, 'Ringing')
  }

  /** Lets the caller hear something before it is answered. */
  progress(): void {
    this.#reply(183, 'Session Progress', [], sdp({ address: this.party.address, port: 9 }))
  }

  /** The same, and again until the caller has acknowledged it (RFC 3262 §3). */
  async progressReliably(): Promise<void> {
    this.sound ??= await Sound.open(this.party.address)
    const headers: SipText['headers'] = [
      ['Require', '100rel'],
      ['RSeq', '71'],
      ['Allow', 'INVITE, ACK, BYE, CANCEL, PRACK, UPDATE'],
    ]
    for (let wait = 500; !this.asked.includes('PRACK') && wait < 16_000; wait *= 2) {
      this.#reply(183, 'Session Progress', headers, sdp(this.sound.place))
      for (let left = wait; left > 0 && !this.asked.includes('PRACK'); left -= 20) await pause(20)
    }
  }

  refuse(status: number, reason: string, extra: SipText['headers'] = []): void {
    this.#reply(status, reason, extra)
    this.#over('us')
  }

  /** Asks the caller for a password. */
  challenge(realm: string): void {
    this.refuse(407, 'Proxy Authentication Required', [
      [
        'Proxy-Authenticate',
        `Digest realm="${realm}", nonce="${randomBytes(8).toString('hex')}", algorithm=MD5, qop="auth"`,
      ],
    ])
  }

  /** Takes the call, and speaks `mark` into it if one is given. */
  async answer(mark?: string, extra: SipText['headers'] = [], body?: string): Promise<void> {
    this.sound ??= await Sound.open(this.party.address)
    const contact: [string, string] = ['Contact', `<${this.party.contact('answer')}>`]
    this.#reply(200, 'OK', [contact, ...extra], body ?? sdp(this.sound.place))
    this.#speak(mark, soundPlace(this.invite.body))
  }

  /** The 2xx of our own INVITE: the dialog stands, ACK it and speak. */
  answered(response: SipText, mark?: string): void {
    this.#cseq = Number(header(this.invite, 'cseq').split(' ')[0])
    this.#target = uriOf(header(response, 'contact'))
    this.#remote = header(response, 'to')
    this.#routes = all(response, 'record-route').reverse()
    this.party.acknowledge(this.invite, this.#request('ACK', this.#cseq), this.#hop())
    this.#speak(mark, soundPlace(response.body))
  }

  /** Ends an answered call; gives the status of the BYE's answer. */
  async bye(): Promise<number> {
    this.sound?.hush()
    const response = await this.party.ask(this.#request('BYE', ++this.#cseq), this.#hop())
    this.#over('us')
    return statusOf(response) ?? 0
  }

  /** Takes back our own unanswered INVITE (RFC 3261 §9.1). */
  async cancel(): Promise<number> {
    const { invite } = this
    const kept = invite.headers.filter(([name]) => /^(via|from|to|call-id|max-forwards)$/i.test(name))
    const cseq: [string, string] = ['CSeq', header(invite, 'cseq').replace('INVITE', 'CANCEL')]
    const cancel = { start: invite.start.replace('INVITE', 'CANCEL'), headers: [...kept, cseq], body: '' }
    return statusOf(await this.party.ask(cancel, this.party.relay)) ?? 0
  }

  /** Offers what a description says; the answer. */
  async offer(body: string): Promise<SipText> {
    const request = this.#request('INVITE', ++this.#cseq, body)
    const response = await this.party.ask(request, this.#hop())
    this.party.acknowledge(request, this.#request('ACK', this.#cseq), this.#hop())
    return response
  }

  /** Offers the sound anew with another direction; gives the answer's status. */
  async reinvite(direction: Direction): Promise<number> {
    if (this.sound === undefined) throw new Error('this call has no sound')
    const body = sdp(this.sound.place, direction, ++this.#version)
    const request = this.#request('INVITE', ++this.#cseq, body)
    const response = await this.party.ask(request, this.#hop())
    if (statusOf(response) === 200) {
      this.party.acknowledge(request, this.#request('ACK', this.#cseq), this.#hop())
      const place = soundPlace(response.body)
      if (direction === 'sendrecv') this.#speak(this.#speaking, place)
      else this.sound.hush()
    }
    return statusOf(response) ?? 0
  }

  /** Offers the sound anew by UPDATE (RFC 3311); gives the answer's status. */
  async update(direction: Direction): Promise<number> {
    if (this.sound === undefined) throw new Error('this call has no sound')
    const body = sdp(this.sound.place, direction, ++this.#version)
    const response = await this.party.ask(this.#request('UPDATE', ++this.#cseq, body), this.#hop())
    if (statusOf(response) === 200 && direction === 'sendrecv')
      this.#speak(this.#speaking, soundPlace(response.body))
    return statusOf(response) ?? 0
  }

  /** Tells of a key by INFO; gives the answer's status. */
  async inform(key: string): Promise<number> {
    const request = this.#request('INFO', ++this.#cseq, `Signal=${key}\r\nDuration=160\r\n`)
    const headers = request.headers.map(([name, value]): [string, string] =>
      name === 'Content-Type' ? [name, 'application/dtmf-relay'] : [name, value],
    )
    return statusOf(await this.party.ask({ ...request, headers }, this.#hop())) ?? 0
  }

  /** An in-dialog request from the other side. */
  receive(request: SipText): void {
    const method = methodOf(request)
    this.asked.push(method)
    if (method === 'INVITE' || (method === 'UPDATE' && request.body !== '')) this.#receiveReinvite(request)
    else this.party.reply(request, 200, 'OK')
    if (method !== 'BYE') return
    this.acksAtBye = this.acks
    this.sound?.hush()
    this.#over('them')
  }

  acked(_ack: SipText): void {
    this.acks++
  }

  cancelled(): void {
    this.wasCancelled = true
    if (!this.statuses.some((status) => status >= 200)) this.onCancel()
    this.#over('them')
  }

  /** Says that our INVITE came to nothing. */
  failed(): void {
    this.sound?.close()
    this.#over('them')
  }

  #over(who: 'us' | 'them'): void {
    this.#end(who)
  }

  async #answerAnew(request: SipText, said: Promise<string>): Promise<void> {
    this.party.reply(request, 200, 'OK', [['Contact', `<${this.party.contact('answer')}>`]], await said)
  }

  #receiveReinvite(request: SipText): void {
    const wanted = directionOf(request.body)
    this.reinvited.push(wanted)
    if (this.answersAnew) return void this.#answerAnew(request, this.answersAnew(request.body))
    const mirrored: Direction =
      wanted === 'sendonly' ? 'recvonly' : wanted === 'recvonly' ? 'sendonly' : wanted
    const place = this.sound?.place ?? { address: this.party.address, port: 9 }
    this.party.reply(
      request,
      200,
      'OK',
      [['Contact', `<${this.party.contact('answer')}>`]],
      sdp(place, mirrored, ++this.#version),
    )
    if (mirrored === 'sendrecv') this.#speak(this.#speaking, soundPlace(request.body))
    else if (mirrored === 'recvonly' || mirrored === 'inactive') this.sound?.hush()
  }

  #reply(status: number, reason: string, extra: SipText['headers'] = [], body = ''): void {
    this.statuses.push(status)
    const contact: SipText['headers'] =
      status > 100 && status < 200 ? [['Contact', `<${this.party.contact('answer')}>`]] : []
    this.party.reply(this.invite, status, reason, [...contact, ...extra], body, this.tag)
  }

  #speak(mark: string | undefined, to: HostAndPort | undefined): void {
    this.#speaking = mark
    if (mark !== undefined && to !== undefined) this.sound?.speak(mark, to)
  }

  /** Where in-dialog requests go: the first route, else the other side's Contact, else the relay. */
  #hop(): HostAndPort {
    return placeOf(this.#routes[0] ?? this.#target) ?? this.party.relay
  }

  #request(method: string, cseq: number, body = ''): SipText {
    return {
      start: `${method} ${this.#target || this.invite.start.split(' ')[1]} SIP/2.0`,
      headers: [
        ['Via', this.party.via()],
        ...this.#routes.map((value): [string, string] => ['Route', value]),
        ['From', this.#local],
        ['To', this.#remote],
        ['Call-ID', this.callId],
        ['CSeq', `${cseq} ${method}`],
        ['Max-Forwards', '70'],
        ...(method === 'INVITE' || method === 'UPDATE'
          ? [['Contact', `<${this.party.contact('party')}>`] as [string, string]]
          : []),
        ...(body === '' ? [] : [['Content-Type', 'application/sdp'] as [string, string]]),
      ],
      body,
    }
  }
}
