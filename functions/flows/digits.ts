import type { FlowActionOf } from '#contract'
import { type FlowPart, type FlowRun, type FlowScript, wait } from './flow-run.ts'
import { announce } from './sounds.ts'

type Collecting = FlowActionOf<'digits_receive'>['option']

/** `digits_receive`: asks for keys, as often as it may. */
export function* receiveDigits(run: FlowRun, { option }: FlowActionOf<'digits_receive'>): FlowScript {
  const { prompt, barge_in, retries, no_input, no_match, failed_target_id, variable, sensitive } = option
  if (!option.type_ahead) run.keys = ''
  for (let left = retries; ; left--) {
    yield* announce(run, prompt, barge_in)
    if (!option.type_ahead && !barge_in) run.keys = ''
    const pressed = yield* collect(run, option)
    const keys = option.strip_key ? stripped(pressed, option) : pressed
    run.variables.set(variable, keys, sensitive)
    const matches = accepts(option, pressed)
    if (matches) return { outcome: 'digits' }
    const outcome = pressed === '' ? 'no_input' : 'no_match'
    if (left <= 0) return { outcome, ...(failed_target_id !== null && { target: failed_target_id }) }
    // What else was pressed is of the try which failed.
    run.keys = ''
    yield* announce(run, pressed === '' ? no_input : no_match, barge_in)
  }
}

/** The keys which are pressed until there are enough, one of them ends it, or the time is over. */
function* collect(run: FlowRun, option: Collecting): FlowPart<string> {
  const { duration, inter_digit_timeout } = option
  const until = run.now + duration
  let keys = ''
  run.listening = true
  for (;;) {
    while (run.keys !== '' && !isEnough(keys, option)) {
      keys += run.keys.charAt(0)
      run.keys = run.keys.slice(1)
    }
    if (isEnough(keys, option)) break
    const left = until - run.now
    wait(run, keys === '' ? left : Math.min(left, inter_digit_timeout ?? left))
    if ((yield* next()) === 'timeout') break
  }
  run.listening = false
  return keys
}

function* next(): FlowPart<'digit' | 'timeout'> {
  for (;;) {
    const { type } = yield
    if (type === 'digit' || type === 'timeout') return type
  }
}

/** Whether no further key can change anything. */
function isEnough(keys: string, option: Collecting): boolean {
  const { length, key, accept } = option
  if (keys === '') return false
  if (key.includes(keys.charAt(keys.length - 1))) return true
  return accept.length > 0
    ? !accept.some((pattern) => pattern.length > keys.length && fits(pattern, keys))
    : length > 0 && keys.length >= length
}

function accepts(option: Collecting, pressed: string): boolean {
  const { accept } = option
  if (pressed === '') return false
  if (accept.length === 0) return true
  return [pressed, stripped(pressed, option)].some((keys) =>
    accept.some((pattern) => pattern.length === keys.length && fits(pattern, keys)),
  )
}

/** Without the key which ended it. */
function stripped(keys: string, { key }: Collecting): string {
  const last = keys.charAt(keys.length - 1)
  return last !== '' && key.includes(last) ? keys.slice(0, -1) : keys
}

/** Whether a pattern begins with these keys; x stands for any digit. */
function fits(pattern: string, keys: string): boolean {
  return [...keys].every((key, at) => pattern[at] === key || (pattern[at] === 'x' && /\d/.test(key)))
}

/** `digits_send` */
export function* sendDigits(run: FlowRun, { option }: FlowActionOf<'digits_send'>): FlowScript {
  const { digits, duration, interval } = option
  if (!/^[0-9A-D*#]*$/.test(digits)) return { outcome: 'not_sent', why: 'the digits are no keys' }
  for (const key of digits) {
    run.order({ type: 'send-digits', keys: key, ms: duration })
    wait(run, duration + interval)
    for (;;) if ((yield).type === 'timeout') break
  }
  return { outcome: 'sent' }
}
