import { useEffect } from 'preact/hooks'
import { addressOf } from './address.ts'
import { useAnswer } from './answer.ts'
import { Attempts } from './attempts.tsx'
import { Between } from './between.tsx'
import { callSentence } from './call-sentence.ts'
import { Decision } from './decision.tsx'
import { Diagnosis } from './diagnosis.tsx'
import { FlowSteps } from './flow-steps.tsx'
import { HangUp } from './hang-up.tsx'
import { Ladder } from './ladder.tsx'
import { useEvents } from './live.ts'
import { Raw } from './raw.tsx'
import { Refusal } from './refusal.tsx'
import { Result } from './result.tsx'
import type { ShownCall } from './shown.ts'
import { Sound } from './sound.tsx'
import { fullTime, partyName } from './words.ts'

/** Counters of a call which goes on are told every ten seconds, and are no event. */
const COUNTED_MS = 5_000

/** One call: what became of it, and why. */
export function CallScreen({ id }: { id: string }) {
  const { answer: call, refusal, again } = useAnswer<ShownCall>(`/v1.0/calls/${encodeURIComponent(id)}`)
  useEvents(({ resource_id }) => resource_id === id, again)
  const goesOn = call !== undefined && call.status !== 'hangup'
  useEffect(() => {
    if (!goesOn) return
    const timer = setInterval(again, COUNTED_MS)
    return () => clearInterval(timer)
  }, [goesOn, again])
  return (
    <>
      <p class="back">
        <a href={addressOf('calls')}>Calls</a>
      </p>
      <Refusal refusal={refusal} again={again} />
      {call === undefined ? refusal === undefined && <p class="waiting">Asking …</p> : <Told call={call} />}
    </>
  )
}

function Told({ call }: { call: ShownCall }) {
  return (
    <>
      <div class="title">
        <h1>
          <Between from={partyName(call.source)} to={partyName(call.destination)} />
        </h1>
        <Result call={call} />
        {call.status !== 'hangup' && <HangUp id={call.id} />}
      </div>
      <p class="sentence">{callSentence(call)}</p>
      <p class="hint">
        {fullTime(call.tm_create)} · {call.direction}
        {call.unverified && ' · the caller shows no number of its own'}
      </p>
      <div class="columns">
        <div>
          <Diagnosis of="calls" id={call.id} stamp={call.tm_update} />
          <Sound call={call} />
          <Ladder call={call} />
        </div>
        <div>
          <Attempts call={call} />
          <Decision call={call} />
          <FlowSteps flow={call.flow} />
          <Raw value={call} />
        </div>
      </div>
    </>
  )
}
