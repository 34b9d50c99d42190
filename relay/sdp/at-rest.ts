import { LinesAtRest } from '../ground/lines-at-rest.ts'
import { rememberLast } from '../ground/remember.ts'
import { isCommon, linesOf, type Media, type Sdp, sdpOfLines, writeSdp } from './description.ts'
import type { SentSdp } from './offer.ts'
import type { RelayedSdp } from './relayed.ts'
import { isConnection } from './tidy.ts'

/** The same description in a third of the memory, to be kept for hours and seldom asked: it is read anew when it is. */
export function saidAtRest(said: RelayedSdp): RelayedSdp {
  return said instanceof SaidAtRest ? said : new SaidAtRest(said)
}

/** The same of one which a leg was sent, and was made of what is `said` at rest. One which says more than its m-lines, as browsers' do, stays. */
export function sentAtRest(sent: SentSdp, said: RelayedSdp): SentSdp {
  if (sent instanceof SentAtRest) return sent
  const session = sent.text.split('\r\n')
  const sdp = { session: session.slice(0, session.findIndex(isMediaLine)), media: sent.media }
  return writeSdp(sdp) === sent.text && !sent.tag ? new SentAtRest(sent, sdp, said) : { ...sent, said }
}

class SaidAtRest extends LinesAtRest implements RelayedSdp {
  readonly at: number

  constructor({ sdp, at }: RelayedSdp) {
    super(linesOf(sdp), isCommon)
    this.at = at
  }

  get sdp(): Sdp {
    return awake(this)
  }

  read(): Sdp {
    return sdpOfLines(this.lines())
  }
}

class SentAtRest extends LinesAtRest implements SentSdp {
  readonly version: number
  readonly said: RelayedSdp
  readonly straight: boolean

  constructor({ version, straight }: SentSdp, sdp: Sdp, said: RelayedSdp) {
    // Our address is the same in all.
    super(linesOf(sdp), (line) => isCommon(line) || isConnection(line))
    this.version = version
    this.said = said
    this.straight = straight
  }

  get text(): string {
    return writeSdp(awake(this))
  }

  get media(): readonly Media[] {
    return awake(this).media
  }

  read(): Sdp {
    return sdpOfLines(this.lines())
  }
}

/** One event asks for those of both legs, each several times. */
const awake = rememberLast(4, (at: SaidAtRest | SentAtRest): Sdp => at.read())

function isMediaLine(line: string): boolean {
  return line.startsWith('m=')
}
