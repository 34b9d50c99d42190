import type { MediaSide } from '#contract'
import { Between } from './between.tsx'
import type { ShownCall } from './shown.ts'
import { lostShare, placeWords, soundSentence } from './sound-sentence.ts'
import { partyName, percent } from './words.ts'

/** How each side of a call was heard. */
export function Sound({ call }: { call: ShownCall }) {
  const { media, source, destination, flow, tm_progressing } = call
  if (media === null) return null
  const isSilent = media.from_caller.packets + media.from_callee.packets === 0
  // A call which was not answered had nothing to be heard.
  if (call.status === 'hangup' && tm_progressing === null && isSilent && !media.message) return null
  return (
    <section class="card" aria-labelledby="sound">
      <h2 id="sound">Sound</h2>
      {media.message && <p class="warn">{media.message}</p>}
      <div class="two">
        <Side
          from={partyName(source)}
          to={partyName(destination)}
          side={media.from_caller}
          hasFlow={flow !== null}
        />
        <Side
          from={partyName(destination)}
          to={partyName(source)}
          side={media.from_callee}
          hasFlow={flow !== null}
        />
      </div>
    </section>
  )
}

interface SideOf {
  readonly from: string
  readonly to: string
  readonly side: MediaSide
  readonly hasFlow: boolean
}

function Side({ from, to, side, hasFlow }: SideOf) {
  const shown: readonly (readonly [string, string | null])[] = [
    ['MOS', side.mos === null ? null : side.mos.toFixed(1)],
    ['Lost', side.packets === 0 ? null : percent(lostShare(side))],
    ['Jitter', side.packets === 0 ? null : `${Math.round(side.jitter_ms)} ms`],
    ['Round trip', side.round_trip_ms === null ? null : `${Math.round(side.round_trip_ms)} ms`],
    ['Packets', String(side.packets)],
    ['Codec', side.codec],
    ['Encrypted', side.cipher],
    placeWords(side),
  ]
  return (
    <div>
      <h3>
        <Between from={from} to={to} />
      </h3>
      <p>{soundSentence(from, side, hasFlow)}</p>
      <dl class="figures">
        {shown.map(
          ([name, value]) =>
            value !== null && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
    </div>
  )
}
