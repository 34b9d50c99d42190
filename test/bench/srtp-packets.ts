import type { SrtpKeys } from '../../relay/ground/media.ts'
import { pureCipher } from '../../relay/media/srtp-pure.ts'
import { SrtpSender } from '../../relay/media/srtp-sender.ts'
import { writeCrypto } from '../../relay/sdp/sdes.ts'
import { rtpPacket } from '../support/rtp.ts'

const suite = 'AES_CM_128_HMAC_SHA1_80'
const secretOf = (byte: number) => new Uint8Array(30).fill(byte)

/** Every caller's, and ours for it. */
export const callerKeys: SrtpKeys = {
  theirs: { suite, secret: secretOf(1) },
  ours: { suite, secret: secretOf(2) },
}

/** The caller's key as its offer says it. */
export const callerCrypto = writeCrypto({ tag: '1', ...callerKeys.theirs })

/** The first packets of the stream which every caller says, one behind the other. */
export function callerPackets(count: number): Uint8Array {
  const sender = new SrtpSender(callerKeys.theirs, pureCipher)
  const packets = Array.from({ length: count }, (_, sequence) => {
    const packet = Buffer.alloc(256)
    rtpPacket({ sequence, ssrc: 0x5ec, type: 8 }).copy(packet)
    return packet.subarray(0, sender.protect(packet, 172, false))
  })
  return Buffer.concat(packets)
}
