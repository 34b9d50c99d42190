import { type FlowAction, type FlowProgram, flowAction, utcMs } from '#contract'
import { type FlowEvent, FlowMachine, type FlowOrder, type FlowSetup } from '#flows'

/** An action as a customer writes it: what is left out is as the language has it. */
export type Written = { id?: string; type: string; option?: object; next_id?: string }

/** Actions by their places where they have no ids: a1, a2, … */
export function actionsOf(written: readonly Written[]): FlowAction[] {
  return written.map((one, at) => flowAction.parse({ id: `a${at + 1}`, option: {}, ...one }))
}

export function programOf(
  written: readonly Written[],
  id = '11111111-1111-4111-8111-111111111111',
): FlowProgram {
  return { id, version: 3, name: 'Menu', actions: actionsOf(written) }
}

/** A flow under way, of which one says what happens and reads what it orders. */
export class ToldFlow {
  readonly machine: FlowMachine
  #now = Date.UTC(2026, 10, 29, 9)

  constructor(written: readonly Written[], setup: Partial<FlowSetup> = {}) {
    this.machine = new FlowMachine({
      program: programOf(written),
      variables: {},
      recordingId: () => 'recording-1',
      ...setup,
    })
  }

  /** What it orders when this happens, so many milliseconds after what happened before. */
  hears(event: FlowEvent, afterMs = 0): string[] {
    this.#now += afterMs
    return this.machine.receive(event, utcMs(this.#now)).map(inWords)
  }

  begins(): string[] {
    return this.hears({ type: 'begun' })
  }

  presses(keys: string): string[] {
    return [...keys].flatMap((key) => this.hears({ type: 'digit', key }))
  }

  /** What each action came to, in order. */
  get outcomes(): string[] {
    return this.machine.trace.trace.map(({ action_id, outcome }) => `${action_id} ${outcome}`)
  }
}

/** An order in a few words. */
export function inWords(order: FlowOrder): string {
  switch (order.type) {
    case 'play':
      return `play ${order.play}: ${order.sounds.map(soundInWords).join(', ')}`
    case 'stop-play':
      return `stop-play ${order.play}`
    case 'wait':
      return `wait ${order.ms}`
    case 'send-digits':
      return `send ${order.keys} for ${order.ms}`
    case 'connect':
      return `connect ${order.option.destinations.map(({ target, target_name }) => target || target_name).join(', ')}`
    case 'record':
      return `record ${order.recording}`
    case 'stop-record':
    case 'pause-record':
    case 'resume-record':
      return `${order.type} ${order.recording}`
    case 'call':
    case 'fetch':
      return `${order.action.type} ${order.fetch}`
    case 'hang-up':
      return order.status === undefined ? 'hang-up' : `hang-up ${order.status}`
    case 'answer':
    case 'stop-wait':
    case 'stop-connect':
      return order.type
  }
}

function soundInWords(sound: Extract<FlowOrder, { type: 'play' }>['sounds'][number]): string {
  if (sound.kind === 'speech') return `"${sound.text}"`
  if (sound.kind === 'tone') return `tone ${sound.hz.join('+')}`
  return sound.kind === 'url' ? sound.url : `prompt ${sound.prompt_id.slice(0, 4)}`
}
