import type { Flow } from '../../relay/ground/flow.ts'
import type { Request, Response } from '../../relay/sip/message.ts'
import type { Said } from './held.ts'

/*
 * Messages as desk phones and carriers write them, with all which those say of themselves.
 */

const dialled = '+15551234567'
const agent = 'Yealink SIP-T46S 66.86.0.15'
const allow =
  'INVITE, INFO, PRACK, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REGISTER, SUBSCRIBE, REFER, PUBLISH, UPDATE, MESSAGE'

/** A phone's REGISTER; `proof`: its Authorization line. */
export function registerText(at: number, { address, port }: Flow, realm: string, proof = ''): string {
  const number = proof === '' ? 1 : 2
  return [
    `REGISTER sip:${realm}:5060 SIP/2.0`,
    `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${at}r${number};rport`,
    `From: "Phone ${at}" <sip:phone${at}@${realm}:5060>;tag=${at}from`,
    `To: "Phone ${at}" <sip:phone${at}@${realm}:5060>`,
    `Call-ID: 0_${at}registers@${address}`,
    `CSeq: ${number} REGISTER`,
    `Contact: <sip:phone${at}@${address}:${port};line=${at}>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-${at.toString(16).padStart(12, '0')}>"`,
    `${proof}Allow: ${allow}`,
    'Max-Forwards: 70',
    `User-Agent: ${agent}`,
    'Expires: 3600',
    'Allow-Events: talk,hold,conference,refer,check-sync',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')
}

/** A phone's INVITE; `proof`: its Proxy-Authorization line. */
export function inviteText(at: number, { address, port }: Flow, realm: string, proof = ''): string {
  const number = proof === '' ? 1 : 2
  const body = descriptionOf(address)
  return [
    `INVITE sip:${dialled}@${realm}:5060 SIP/2.0`,
    `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${at}i${number};rport`,
    `From: "Phone ${at}" <sip:phone${at}@${realm}:5060>;tag=${at}calls`,
    `To: <sip:${dialled}@${realm}:5060>`,
    `Call-ID: 0_${at}calls@${address}`,
    `CSeq: ${number} INVITE`,
    `Contact: <sip:phone${at}@${address}:${port};line=${at}>`,
    `${proof}Content-Type: application/sdp`,
    `Allow: ${allow}`,
    'Max-Forwards: 70',
    `User-Agent: ${agent}`,
    'Supported: replaces',
    'Allow-Events: talk,hold,conference,refer,check-sync',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

/** A carrier's answer, with a description where it is a 200. */
export function answerText(invite: Request, status: 180 | 200, { address, port }: Flow): string {
  const body = status === 200 ? descriptionOf(address) : ''
  return [
    `SIP/2.0 ${status} ${status === 200 ? 'OK' : 'Ringing'}`,
    ...invite.all('via').map((via) => `Via: ${via}`),
    `From: ${invite.header('from')}`,
    `To: ${invite.header('to')};tag=carrier${invite.callId.slice(0, 8)}`,
    `Call-ID: ${invite.callId}`,
    `CSeq: ${invite.header('cseq')}`,
    `Contact: <sip:${dialled}@${address}:${port}>`,
    'Server: Carrier SBC 9.3',
    'Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE',
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

/** The ACK of a final answer. */
export function ackText({ request }: Said, answer: Response, { address, port }: Flow): string {
  const via =
    answer.status < 300
      ? `SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${request.callId}a;rport`
      : request.header('via')
  return [
    `ACK ${request.requestUri} SIP/2.0`,
    `Via: ${via}`,
    `From: ${request.header('from')}`,
    `To: ${answer.header('to')}`,
    `Call-ID: ${request.callId}`,
    `CSeq: ${request.cseq.number} ACK`,
    'Max-Forwards: 70',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n')
}

function descriptionOf(address: string): string {
  return [
    'v=0',
    `o=- 20084 20084 IN IP4 ${address}`,
    's=SDP data',
    `c=IN IP4 ${address}`,
    't=0 0',
    'm=audio 11780 RTP/AVP 9 0 8 18 101',
    'a=rtpmap:9 G722/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:18 G729/8000',
    'a=fmtp:18 annexb=no',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    'a=ptime:20',
    'a=sendrecv',
    '',
  ].join('\r\n')
}
