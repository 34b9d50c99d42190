/*
 * What VoIPBIN's documents write and flows here do not have, and what is written instead: said where it is refused.
 */

const noMessages = 'webhook_send tells a server of yours, which may send it'
const noText = 'recording_start keeps what is said; a server of yours may have it written down'

/** Actions, by their types. */
const actionsInstead: Readonly<Record<string, string>> = {
  agent_call: 'connect, with a destination of the type "extension"',
  amd: 'digits_receive with a prompt: a person can be asked for a key, and a machine presses none',
  ai_talk: 'fetch, which asks a server of yours what is done next',
  chatbot_talk: 'fetch, which asks a server of yours what is done next',
  block: 'fetch, which asks a server of yours what is done next',
  condition_call_digits:
    'condition_variable, with variable "voipbin.call.digits", value_type "length" and value_length',
  condition_call_status:
    'condition_variable, with variable "voipbin.call.status" and value_string "ringing", or "progressing" once it was answered',
  conference_join: 'connect, which joins two',
  confbridge_join: 'connect, which joins two',
  conversation_send: noMessages,
  email_send: noMessages,
  message_send: noMessages,
  echo: 'play or talk, for a trial to hear something',
  stream_echo: 'play or talk, for a trial to hear something',
  hangup_relay: 'connect, with relay_reason true: the call ends as it ended there',
  queue_join: 'connect with a list of destinations, and a goto with a loop_count which leads back to it',
  transcribe_recording: noText,
  transcribe_start: noText,
}

/** Variables, by their names. */
const variablesInstead: Readonly<Record<string, string>> = {
  'voipbin.call.caller_id': 'voipbin.call.source.target',
  'voipbin.activeflow.id': 'voipbin.call.id',
  'voipbin.activeflow.reference_id': 'voipbin.call.id',
}

/** What is written instead of an action; undefined: VoIPBIN has none of that type, or none does the like here. */
export function actionInstead(type: unknown): string | undefined {
  return typeof type === 'string' && Object.hasOwn(actionsInstead, type) ? actionsInstead[type] : undefined
}

/** The variable which is read instead of one of VoIPBIN's; undefined: none. */
export function variableInstead(name: string): string | undefined {
  return Object.hasOwn(variablesInstead, name) ? variablesInstead[name] : undefined
}
