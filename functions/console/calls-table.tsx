import { addressOf } from './address.ts'
import { calledCarrier } from './called-carrier.ts'
import { Result } from './result.tsx'
import type { ShownCall } from './shown.ts'
import { clockTime, lasting, partyName } from './words.ts'

/** Calls, one a row; each leads to what became of it. */
export function CallsTable({ calls }: { calls: readonly ShownCall[] }) {
  return (
    <div class="card scroll">
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Result</th>
            <th scope="col" class="why">
              Why
            </th>
            <th scope="col">Through</th>
            <th scope="col" class="n">
              Talked
            </th>
            <th scope="col" class="n">
              MOS
            </th>
          </tr>
        </thead>
        <tbody>
          {calls.map((call) => (
            <Row key={call.id} call={call} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ call }: { call: ShownCall }) {
  const through = calledCarrier(call)
  return (
    <tr>
      <td class="when">
        <a href={addressOf('calls', call.id)}>{clockTime(call.tm_create)}</a>
      </td>
      <td class="from">{partyName(call.source)}</td>
      <td class="to">{partyName(call.destination)}</td>
      <td class="result">
        <Result call={call} />
      </td>
      <td class="why">
        <span>{whyOf(call)}</span>
      </td>
      <td class={`through ${through === '' ? 'none' : ''}`}>{through || '–'}</td>
      <td class={`n talked ${call.duration === null ? 'none' : ''}`}>
        {call.duration === null ? '–' : lasting(call.duration)}
      </td>
      <td class="n mos">{worstMos(call)}</td>
    </tr>
  )
}

/** Why a call came to nothing, as its record says; empty: it came to something, or the record does not say. */
function whyOf({ tm_progressing, hangup_reason, reject_message }: ShownCall): string {
  return tm_progressing === null && hangup_reason !== 'cancel' ? (reject_message ?? '') : ''
}

/** Of the side which was heard worse. */
function worstMos({ media }: ShownCall): string {
  const heard = [media?.from_caller.mos, media?.from_callee.mos].filter((mos) => typeof mos === 'number')
  return heard.length === 0 ? '–' : Math.min(...heard).toFixed(1)
}
