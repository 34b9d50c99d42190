import type { Dialog } from '../dialog/dialog.ts'
import type { InDialogRequest, Leg } from '../leg/leg.ts'
import { parseNameAddr } from '../sip/address.ts'
import type { Header, Message, Request } from '../sip/message.ts'

/*
 * A REFER which is passed to the other party, and the NOTIFYs by which that tells what came of it (RFC 3515 §2.4.4).
 */

/** No party waits for more transfers at once; of the oldest nothing is told any more. */
const refersAtMost = 8

/** Of a REFER which was passed on: the number it came by, and the one by which the other party knows it. */
export function rememberRefer(leg: Leg, { cseq: asked }: Request, { cseq: sent }: Request): void {
  leg.refers = leg.refers.concat({ asked: asked.number, sent: sent.number }).slice(-refersAtMost)
}

/** The Event of a NOTIFY which tells of a REFER that was passed on, as the leg knows it which asked; undefined: of none. */
export function eventPassed({ refers }: Leg, request: Request): string | undefined {
  const event = request.header('event') ?? ''
  if (!/^refer\s*(;|$)/i.test(event)) return undefined
  const id = /;\s*id\s*=\s*(\d{1,10})/i.exec(event)?.[1]
  const refer = id === undefined ? refers[0] : refers.find(({ sent }) => sent === Number(id))
  return refer && `refer;id=${refer.asked}`
}

/** Whether a request is one of those by which transfers are asked for and told of: they bring a Contact (RFC 3515 §2.2). */
export function concernsTransfer({ method }: Request): boolean {
  return method === 'REFER' || method === 'NOTIFY'
}

/** What of such a request goes on to a leg beside its body. */
export function transferHeaders(leg: Leg, { request }: InDialogRequest, to: Dialog): Header[] {
  if (request.method === 'REFER')
    return [...kept(request, ['refer-to', 'refer-sub']), ['referred-by', `<${referrerIn(to)}>`]]
  const event = request.method === 'NOTIFY' ? eventPassed(leg, request) : undefined
  return event === undefined ? [] : [['event', event], ...kept(request, ['subscription-state'])]
}

/** What of the answer to a REFER goes back beside its status. */
export function transferAnswerHeaders(answer: Message): Header[] {
  return kept(answer, ['refer-sub'])
}

/** Who refers is who the other party speaks with (RFC 3892): what stands in Referred-By would tell more. */
function referrerIn({ local }: Dialog): string {
  return parseNameAddr(local)?.uri ?? 'sip:anonymous@anonymous.invalid'
}

function kept(message: Message, names: readonly string[]): Header[] {
  return message.headers.filter(([name]) => names.includes(name))
}
