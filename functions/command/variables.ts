import {
  type ConfigurationFile,
  fileNouns,
  isShortened,
  referencesOf,
  secretsOf,
  type ThingSettings,
} from './configuration.ts'
import type { ThingDifference } from './difference.ts'
import { CommandFailure } from './failure.ts'

/*
 * Which variables of the environment a file may ask for. A file of others is not to carry out what else stands there: variables are
 * for secrets alone, and are called as those of such files are.
 */

const prefix = 'TRUNKLINE_SECRET_'

/** Fields whose keys a customer names: `env` is one like another there. */
const namedByCustomers = new Set(['variables', 'headers'])

/** A variable, and which secret it is to be. */
export interface SecretVariable {
  readonly variable: string
  readonly field: string
  readonly reference: string
}

/** The variable which a value asks for; undefined: it is another value. */
function variableIn(value: unknown): string | undefined {
  const variable: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'env') : undefined
  return typeof variable === 'string' ? variable : undefined
}

/** Throws where a file asks for a variable which it may not have, or has an address of which only the beginning was shown. */
export function refuseOddSecrets(file: ConfigurationFile): void {
  refuseOdd('customer', 'customer', file.customer ?? {})
  for (const noun of fileNouns) {
    const things = (file[noun.noun] ?? []) as readonly ThingSettings[]
    for (const [at, reference] of referencesOf(noun, things).entries())
      refuseOdd(reference, noun.noun, things[at] ?? {})
  }
}

function refuseOdd(reference: string, noun: string, fields: ThingSettings): void {
  for (const [field, value] of Object.entries(fields)) {
    const fault = faultOfVariable(noun, field, variableIn(value)) ?? faultOfUrl(noun, field, value)
    if (fault !== undefined) throw new CommandFailure('usage', `${field} of ${reference} ${fault}`)
  }
}

function faultOfVariable(noun: string, field: string, variable: string | undefined): string | undefined {
  if (variable === undefined || namedByCustomers.has(field)) return undefined
  const asks = `asks for the variable ${variable}`
  if (!secretsOf(noun).includes(field)) return `${asks}: only secrets come from the environment.`
  const [first, end] = [`${noun}_`.toUpperCase(), `_${field}`.toUpperCase()]
  if (variable.startsWith(prefix) || (variable.startsWith(first) && variable.endsWith(end))) return undefined
  return `${asks}: its name is to begin with ${prefix}, or to be as in an export, ${first}…${end}.`
}

function faultOfUrl(noun: string, field: string, value: unknown): string | undefined {
  if (noun !== 'webhooks' || field !== 'url' || !isShortened(value)) return undefined
  return `is shortened, ${value}: it was read with a key which is not shown all of it. Put all of it there, or {"env": …}.`
}

/** What of the environment would be used to make what is new. */
export function variablesUsed(differences: readonly ThingDifference[]): SecretVariable[] {
  return differences
    .filter(({ kind }) => kind === 'add')
    .flatMap(({ noun, reference, fields }) =>
      secretsOf(noun).flatMap((field) => {
        const variable = variableIn(fields[field])
        return variable === undefined ? [] : [{ variable, field, reference }]
      }),
    )
}

/** Fields with secrets in the place of the variables which have them. */
export function withSecrets(
  noun: string,
  fields: ThingSettings,
  environment: Readonly<Record<string, string | undefined>>,
): ThingSettings {
  const filled = secretsOf(noun).flatMap((secret) => {
    const variable = variableIn(fields[secret])
    return variable === undefined ? [] : [[secret, environment[variable]] as const]
  })
  return { ...fields, ...Object.fromEntries(filled) }
}
