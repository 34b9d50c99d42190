import { useEffect, useState } from 'preact/hooks'
import type { SipMessage } from '#contract'
import { useAnswer } from './answer.ts'
import { secondsSince } from './clock.ts'
import { Download } from './download.tsx'
import { type LadderParty, type LadderRow, ladderOf } from './ladder-rows.ts'
import { NotKept } from './not-kept.tsx'
import { Refusal } from './refusal.tsx'
import type { ShownCall } from './shown.ts'

interface KeptMessages {
  readonly result: readonly SipMessage[]
  readonly left_out: number
  /** Why there are none; null: there are. */
  readonly message: string | null
}

/** Messages are kept a second after they passed, which is no event. */
const LOOK_MS = 2_000
/** By then the last ones are kept. */
const SETTLED_S = 10

/** Every SIP message of a call between all who took part, as it comes. */
export function Ladder({ call }: { call: ShownCall }) {
  const path = `/v1.0/calls/${encodeURIComponent(call.id)}`
  const { answer, refusal, again } = useAnswer<KeptMessages>(`${path}/messages`)
  useEffect(() => {
    const isSettled = () => call.tm_hangup !== null && secondsSince(call.tm_hangup) > SETTLED_S
    if (isSettled()) return
    const timer = setInterval(() => {
      again()
      if (isSettled()) clearInterval(timer)
    }, LOOK_MS)
    return () => clearInterval(timer)
  }, [call.tm_hangup, again])
  return (
    <section class="card" aria-labelledby="ladder">
      <div class="title">
        <h2 id="ladder">Messages</h2>
        {answer !== undefined && answer.result.length > 0 && (
          <Download path={`${path}/pcap`} name={`${call.id}.pcap`} word="Download as pcap" />
        )}
      </div>
      <Refusal refusal={refusal} again={again} />
      {answer === undefined && refusal === undefined && <p class="hint">Asking …</p>}
      {answer?.message && <NotKept why={answer.message} goesOn={call.status !== 'hangup'} />}
      {answer !== undefined && answer.result.length > 0 && <Drawn call={call} kept={answer} />}
    </section>
  )
}

function Drawn({ call, kept }: { call: ShownCall; kept: KeptMessages }) {
  const { parties, rows } = ladderOf(call, kept.result)
  return (
    <>
      <p class="hint">Times are since the first message. Any message opens.</p>
      <div class="ladder">
        <div class="rung heads" style={{ '--halves': 2 * parties.length }}>
          {parties.map((party, column) => (
            <Head key={`${party.name} ${party.address}`} party={party} column={column} />
          ))}
        </div>
        <ol>
          {rows.map((row, nth) => (
            <Rung key={`${nth} ${row.ms}`} row={row} parties={parties} />
          ))}
        </ol>
      </div>
      {kept.left_out > 0 && (
        <p class="hint">{kept.left_out} messages in the middle are left out: there was no room for them.</p>
      )}
    </>
  )
}

function Head({ party: { name, address }, column }: { party: LadderParty; column: number }) {
  return (
    <div class="head" style={{ gridColumn: `${2 * column + 2} / span 2` }}>
      <strong title={name}>{name}</strong>
      {address !== '' && address !== name && <small>{address}</small>}
    </div>
  )
}

interface RungOf {
  readonly row: LadderRow
  readonly parties: readonly LadderParty[]
}

function Rung({ row, parties }: RungOf) {
  const { from, to, ms, label, note, tone, text } = row
  const [isOpen, open] = useState(false)
  const [left, right] = [Math.min(from, to), Math.max(from, to)]
  return (
    <li>
      <div class="rung" style={{ '--halves': 2 * parties.length }}>
        <span class="at">{atMs(ms)}</span>
        {parties.map(({ name, address }, column) => (
          <span
            key={`${name} ${address}`}
            class="life"
            aria-hidden="true"
            style={{ gridColumn: 2 * column + 3 }}
          />
        ))}
        <button
          type="button"
          class={`arrow ${from < to ? 'right' : 'left'}`}
          style={{ gridColumn: `${2 * left + 3} / ${2 * right + 3}` }}
          aria-expanded={isOpen}
          onClick={() => open(!isOpen)}
        >
          <span class={tone}>{label}</span> {note !== '' && <small>{note}</small>}
          <span class="unseen">
            from {parties[from]?.name} to {parties[to]?.name}
          </span>
        </button>
      </div>
      {isOpen && <pre>{text.trimEnd()}</pre>}
    </li>
  )
}

function atMs(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`
}
