import { isReference, replacedTexts, type ThingSettings } from './configuration.ts'
import type { ThingDifference } from './difference.ts'
import type { EdgeClient } from './edge-client.ts'
import { CommandFailure } from './failure.ts'
import { withSecrets } from './variables.ts'

/** Fields which may lead to what is made after: a thing is made without, and gets them at the end. */
const later = new Set(['caller_id', 'caller_ids', 'emergency', 'destinations', 'default_outgoing_number_id'])

/** What is applied, and what is known on the way. */
export interface Application {
  readonly edge: EdgeClient
  /** Ids by the names of things; what is made is added. */
  readonly ids: Map<string, string>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Hears of each thing as it is done. */
  readonly done: (difference: ThingDifference) => void
}

/**
 * Makes and changes what differs. What is refused since something it leads to is not there yet is tried again when all else is
 * done. Throws the first refusal of what then remains.
 */
export async function apply(
  differences: readonly ThingDifference[],
  application: Application,
): Promise<void> {
  let rest = differences.filter(({ kind }) => kind !== 'beyond')
  for (;;) {
    const waiting: ThingDifference[] = []
    let refusal: unknown
    for (const one of rest) {
      try {
        waiting.push(...(await applied(one, application)))
      } catch (error) {
        if (!(error instanceof CommandFailure) || error.code !== 1) throw error
        refusal ??= new CommandFailure('refused', `${one.reference}: ${error.message}`)
        waiting.push(one)
      }
    }
    if (waiting.length === 0) return
    if (refusal !== undefined && sameWork(waiting, rest)) throw refusal
    rest = waiting
  }
}

/** Whether a round got nowhere. */
function sameWork(waiting: readonly ThingDifference[], rest: readonly ThingDifference[]): boolean {
  return waiting.length === rest.length && waiting.every((one, at) => one === rest[at])
}

/** Carries one out; gives what of it has to wait for others. */
async function applied(difference: ThingDifference, application: Application): Promise<ThingDifference[]> {
  const { kind, noun, reference, fields } = difference
  if (kind === 'change') {
    const path = noun === 'customer' ? '/v1.0/customer' : `/v1.0/${noun}/${idOf(application, reference)}`
    await application.edge.ask('PATCH', path, meant(noun, fields, application))
    application.done(difference)
    return []
  }
  const { now, waits } = parted(fields)
  const made = await application.edge.ask<{ id: string }>(
    'POST',
    `/v1.0/${noun}`,
    meant(noun, now, application),
  )
  application.ids.set(reference, made.id)
  application.done(difference)
  return Object.keys(waits).length === 0 ? [] : [{ ...difference, kind: 'change', fields: waits, was: {} }]
}

function parted(fields: ThingSettings): { now: ThingSettings; waits: ThingSettings } {
  const [now, waits]: [Record<string, unknown>, Record<string, unknown>] = [{}, {}]
  for (const [name, value] of Object.entries(fields))
    if (later.has(name) && value !== null && JSON.stringify(value) !== '[]') waits[name] = value
    else now[name] = value
  return { now, waits }
}

/** What the API is told: ids in the place of names, and secrets in that of variables. */
function meant(noun: string, fields: ThingSettings, application: Application): ThingSettings {
  const led = replacedTexts(fields, (text) =>
    isReference(text) ? idOf(application, text) : text,
  ) as ThingSettings
  return withSecrets(noun, led, application.environment)
}

function idOf({ ids }: Application, reference: string): string {
  const id = ids.get(reference)
  if (id === undefined) throw new CommandFailure('refused', `${reference} is neither there nor in the file.`)
  return id
}

/** Takes away what the file has not, what leans on others first. Throws where something is in use. */
export async function prune(
  differences: readonly ThingDifference[],
  application: Application,
): Promise<void> {
  for (const one of differences.filter(({ kind }) => kind === 'beyond').reverse()) {
    await application.edge.ask('DELETE', `/v1.0/${one.noun}/${idOf(application, one.reference)}`)
    application.done(one)
  }
}
