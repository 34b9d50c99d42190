import type { Announcement, FlowActionOf } from '#contract'
import {
  answered,
  endsRecording,
  type FlowOutcome,
  type FlowRun,
  type FlowScript,
  record,
  wait,
} from './flow-run.ts'
import { announce, beepTone, play } from './sounds.ts'

/** A recording may take so much longer than it lasts. */
const besidesMs = 10_000
/** No recording lasts longer. */
const recordingMs = 14_400_000

/** `recording_start`: the flow goes on meanwhile. A call has one at a time. */
export function* startRecording(run: FlowRun, { option }: FlowActionOf<'recording_start'>): FlowScript {
  if (run.recording) return { outcome: 'not_recorded', why: 'the call is being recorded already' }
  if (option.beep_start) yield* play(run, [beepTone], false)
  record(run, { channels: option.channels, ...terms(option), mailbox: undefined }, option.end_of_key)
  return { outcome: 'recording' }
}

/** `recording_stop`, `recording_pause`, `recording_resume` */
export function changeRecording(
  run: FlowRun,
  { type }: FlowActionOf<'recording_stop' | 'recording_pause' | 'recording_resume'>,
): FlowOutcome {
  const { recording } = run
  if (!recording) return { outcome: 'nothing', why: 'the call is not being recorded' }
  run.order({ type: orders[type], recording: recording.id })
  if (type === 'recording_stop') run.recording = undefined
  return { outcome: outcomes[type] }
}

const orders = {
  recording_stop: 'stop-record',
  recording_pause: 'pause-record',
  recording_resume: 'resume-record',
} as const
const outcomes = {
  recording_stop: 'stopped',
  recording_pause: 'paused',
  recording_resume: 'recording',
} as const

/** `voicemail`: what the caller says is kept, until it hangs up, is silent, or presses the key. */
export function* voicemail(run: FlowRun, { option }: FlowActionOf<'voicemail'>): FlowScript {
  yield* answered(run)
  if (run.recording) run.order({ type: 'stop-record', recording: run.recording.id })
  run.recording = undefined
  yield* announce(run, option.prompt ?? usual, option.end_of_key !== 'none' && option.end_of_key !== '')
  // The key which ended the greeting does not end the message.
  run.keys = ''
  if (option.beep) yield* play(run, [beepTone], false)
  const { maxMs, silenceMs } = terms(option)
  const id = record(run, { channels: 1, maxMs, silenceMs, mailbox: option.extension }, option.end_of_key)
  wait(run, maxMs + besidesMs)
  for (;;) {
    const event = yield
    if (event.type === 'timeout') return { outcome: 'not_recorded', why: 'it did not come to an end' }
    if (event.type === 'recorded' && event.recording === id)
      return event.why === undefined ? { outcome: 'recorded' } : { outcome: 'not_recorded', why: event.why }
    if (event.type === 'digit' && endsRecording(option.end_of_key, event.key)) run.keys = ''
  }
}

/** What is said where a mailbox has no greeting of its own. */
const usual: Announcement = {
  prompt_id: null,
  stream_url: null,
  text: 'Please leave a message after the tone.',
  language: 'en-US',
  provider: '',
  voice_id: '',
}

function terms({ duration, end_of_silence }: { duration: number; end_of_silence: number }) {
  return {
    maxMs: duration === 0 ? recordingMs : duration * 1_000,
    silenceMs: end_of_silence === 0 ? undefined : end_of_silence * 1_000,
  }
}
