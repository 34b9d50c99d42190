import type { FlowServerAnswer, FlowServerQuestion } from '#contract'
import { utcNow } from '../clock.ts'
import { signatures } from './signature.ts'
import { faultOfTarget, type NameLookup, type TargetRules } from './target.ts'

/** Octets of an answer; a longer one is none. */
const MOST_OCTETS = 64 * 1024

/** What asking takes. */
export interface FlowServerParts {
  readonly secrets: readonly string[]
  readonly rules: TargetRules
  readonly resolve: NameLookup
}

/** What a customer's server said, unread; or why it said nothing of use. */
export type FlowServerReply =
  | { readonly said: unknown; readonly status: number }
  | Pick<FlowServerAnswer, 'result' | 'status' | 'why'>

/** Asks a customer's server, if it may be asked. Never throws: whatever goes wrong is its answer. */
export async function askFlowServer(
  question: FlowServerQuestion,
  { secrets, rules, resolve }: FlowServerParts,
): Promise<FlowServerReply> {
  const signal = AbortSignal.timeout(question.timeout_ms)
  try {
    const fault = await faultOfTarget(question.url, rules, resolve)
    if (fault === 'unknown') return failed('unreachable', 'Its name could not be looked up.')
    if (fault !== undefined) return failed('refused', `The address ${fault}.`)
    return await post(question, secrets, signal)
  } catch {
    return signal.aborted
      ? failed('timeout', `It did not answer within ${question.timeout_ms} ms.`)
      : failed('unreachable', 'It could not be reached, or hung up without an answer.')
  }
}

async function post(
  question: FlowServerQuestion,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<FlowServerReply> {
  const { url, method, content_type } = question
  const body = bodyOf(question)
  const timestamp = Math.floor(utcNow() / 1000)
  const id = crypto.randomUUID()
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    signal,
    headers: {
      ...(body !== null && { 'content-type': content_type }),
      accept: 'application/json',
      'user-agent': 'Trunkline-Flows/1.0',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': await signatures({ id, timestamp, body: body ?? '' }, secrets),
      'trunkline-call-id': question.call_id,
    },
    body,
  })
  const { status } = response
  if (!response.ok) {
    await response.body?.cancel()
    return { ...failed('refused', refusal(status)), status }
  }
  return read(await textOf(response), status)
}

function refusal(status: number): string {
  const redirects = status >= 300 && status < 400 ? ': redirects are not followed' : ''
  return `It answered ${status}${redirects}.`
}

/** null: the method has none. */
function bodyOf({ method, body, call_id, flow_id, version, variables }: FlowServerQuestion): string | null {
  if (method === 'GET' || method === 'DELETE') return null
  if (body !== null) return body
  const asked = { call_id, flow_id, version, variables }
  // As VoIPBIN says it: a flow under way is its call.
  return JSON.stringify({ ...asked, activeflow_id: call_id, reference_id: call_id })
}

/** undefined: it is longer than an answer may be. Throws where it breaks off. */
async function textOf({ body }: Response): Promise<string | undefined> {
  const reader = body?.getReader()
  if (!reader) return ''
  const decoder = new TextDecoder()
  let [text, octets] = ['', 0]
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    octets += value.length
    if (octets > MOST_OCTETS) {
      reader.cancel().catch(() => {})
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
}

function read(text: string | undefined, status: number): FlowServerReply {
  if (text === undefined)
    return { ...failed('nonsense', `It answered more than ${MOST_OCTETS} octets.`), status }
  if (text.trim() === '') return { said: undefined, status }
  try {
    return { said: JSON.parse(text), status }
  } catch {
    return { ...failed('nonsense', 'It answered what is no JSON.'), status }
  }
}

function failed(
  result: FlowServerAnswer['result'],
  why: string,
): Pick<FlowServerAnswer, 'result' | 'status' | 'why'> {
  return { result, status: null, why }
}
