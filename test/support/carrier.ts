import { randomBytes } from 'node:crypto'
import { Call } from './call.ts'
import { type Credentials, provesPassword } from './digest.ts'
import { Party, type PartyOptions } from './party.ts'
import type { Placed } from './phone.ts'
import { carrierSocket, type SipSocket, type SipSocketOptions } from './sip-socket.ts'
import { header, type SipText, statusOf } from './sip-text.ts'
import { Sound, sdp } from './sound.ts'

/** What a carrier does with a call we send it. */
export type Script = (call: Call) => void

/**
 * A phone company on paper: trusts our address, and treats each call as its script says. With
 * `transport: 'TCP'` or `'TLS'` it listens; `certificate.fingerprint` is what to pin it by.
 */
export class Carrier extends Party {
  static async open(options: PartyOptions, script: Script = silent): Promise<Carrier> {
    const carrier = await new Carrier(options).open(options)
    carrier.onCall = script
    return carrier
  }

  protected override connected(
    transport: 'TCP' | 'TLS',
    port: number,
    options: SipSocketOptions,
  ): Promise<SipSocket> {
    return carrierSocket(transport, this.address, port, options, this.certificate)
  }

  /** Sends us a call from the phone network, for one of our numbers; `uri`: to a contact of ours. */
  async call(from: string, to: string, mark = 'n', uri?: string): Promise<Placed> {
    const sound = await Sound.open(this.address)
    const call = Call.outgoing(this, this.#invite(from, to, sound, uri), sound)
    this.calls.push(call)
    return { call, result: this.#place(call, mark) }
  }

  async #place(call: Call, mark: string): Promise<SipText> {
    const heard = (response: SipText) => call.statuses.push(statusOf(response) ?? 0)
    const response = await this.ask(call.invite, this.relay, heard)
    heard(response)
    if (statusOf(response) === 200) call.answered(response, mark)
    else call.failed()
    return response
  }

  #invite(from: string, to: string, sound: Sound, contact?: string): SipText {
    const uri = `sip:${to}@${this.relay.address}:${this.relay.port}`
    return {
      start: `INVITE ${contact ?? uri} SIP/2.0`,
      headers: [
        ['Via', this.via()],
        ['From', `<sip:${from}@${this.address}>;tag=${randomBytes(4).toString('hex')}`],
        ['To', `<${uri}>`],
        ['Call-ID', randomBytes(8).toString('hex')],
        ['CSeq', '1 INVITE'],
        ['Max-Forwards', '70'],
        ['Contact', `<${this.contact(from)}>`],
        ['Content-Type', 'application/sdp'],
      ],
      body: sdp(sound.place),
    }
  }
}

/** Says nothing at all, whatever comes. */
export const silent: Script = (call) => {
  call.ignored = true
}

/** Says 100 and nothing more. */
export const trying: Script = (call) => call.trying()

export function refuse(status: number, reason: string, extra: SipText['headers'] = []): Script {
  return (call) => call.refuse(status, reason, extra)
}

export const busy = refuse(486, 'Busy Here')

/** Rings and never answers; takes a CANCEL with 487. */
export const ringing: Script = (call) => {
  call.trying()
  call.ring()
}

/** Rings, and answers after a while with `mark` as its voice. */
export function answers(mark: string, afterMs = 300): Script {
  return (call) => {
    ringing(call)
    setTimeout(() => {
      if (!call.wasCancelled) void call.answer(mark)
    }, afterMs)
  }
}

/** What it says before it answers is to be acknowledged, and the session to be kept alive within so many seconds (RFC 3262, 4028). */
export function demands(mark: string, seconds: number): Script {
  return async (call) => {
    call.trying()
    await call.progressReliably()
    const timer: SipText['headers'] = [
      ['Require', 'timer'],
      ['Session-Expires', `${seconds};refresher=uac`],
      ['Allow', 'INVITE, ACK, BYE, CANCEL, PRACK, UPDATE'],
    ]
    await call.answer(mark, timer)
  }
}

/** Answers although the CANCEL is already there (RFC 3261 §9.1: the two crossed). */
export const answersTooLate: Script = (call) => {
  ringing(call)
  call.onCancel = () => void call.answer()
}

/** Silent so long that we are gone, then answers. */
export function answersUnheard(afterMs: number): Script {
  return (call) => void setTimeout(() => void call.answer(), afterMs)
}

/** Two of its subscribers answer the same call. */
export const answersTwice: Script = (call) => {
  ringing(call)
  void call.answer('1')
  void call.fork().answer('2')
}

/** Wants a password first. */
export function asks(credentials: Credentials, then: Script): Script {
  return (call) => {
    const answer = header(call.invite, 'proxy-authorization')
    if (provesPassword(answer, 'INVITE', credentials)) then(call)
    else call.challenge('carrier.test')
  }
}
