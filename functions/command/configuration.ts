import type { ApiRow } from './edge-client.ts'

/*
 * A customer's configuration as one file. What leads to something names it, `@providers/Telnyx`, instead of its id, so that
 * the file means the same of another customer. Secrets are not in it: `{"env": "NAME"}` says which variable has one. A webhook's
 * URL is one, since receivers such as Slack know who may send by its path.
 */

/** A noun of the file: by which field its things are told apart, and what of them is not in it. */
export interface FileNoun {
  readonly noun: string
  readonly named: string
  /** What is another name of a field, or not the customer's to say. */
  readonly left?: readonly string[]
  readonly secrets?: readonly string[]
}

/** In the order in which one thing leans on another. */
export const fileNouns: readonly FileNoun[] = [
  { noun: 'providers', named: 'name', secrets: ['password'] },
  { noun: 'trunks', named: 'domain_name', secrets: ['password'] },
  { noun: 'extensions', named: 'extension', left: ['username'], secrets: ['password'] },
  { noun: 'flows', named: 'name' },
  { noun: 'numbers', named: 'number', left: ['ownership', 'message_flow_id'] },
  { noun: 'routes', named: 'name' },
  { noun: 'webhooks', named: 'name', secrets: ['url'] },
  { noun: 'alerts', named: 'name', secrets: ['routing_key'] },
  { noun: 'drills', named: 'name' },
]

/** Fields of a noun, or `customer`, which are secrets. */
export function secretsOf(noun: string): readonly string[] {
  return fileNouns.find((one) => one.noun === noun)?.secrets ?? []
}

/** Fields of a thing, as the API takes them. */
export type ThingSettings = Readonly<Record<string, unknown>>

/** The configuration in the file: `customer`, and a list of each noun. */
export interface ConfigurationFile {
  readonly trunkline: 1
  readonly customer?: ThingSettings
  readonly [noun: string]: unknown
}

/** What is configured, as it was read: things by noun, the oldest first, and which fields of each may be set. */
export interface ReadConfiguration {
  readonly customer: ThingSettings
  readonly rows: Readonly<Record<string, readonly ApiRow[]>>
  readonly settable: Readonly<Record<string, readonly string[]>>
}

/** A thing's name in the file: that of its field, and where several have that, which of them it is. */
export function referencesOf(
  { noun, named }: Pick<FileNoun, 'noun' | 'named'>,
  things: readonly ThingSettings[],
): string[] {
  const names = things.map((thing) => String(thing[named] ?? ''))
  return toldApart(names, (name, nth) => `${name}#${nth}`).map((name) => `@${noun}/${name}`)
}

/** Texts, and where one is there again, which of them it is. */
function toldApart(texts: readonly string[], nthOf: (text: string, nth: number) => string): string[] {
  const seen = new Map<string, number>()
  return texts.map((text) => {
    const nth = (seen.get(text) ?? 0) + 1
    seen.set(text, nth)
    return nth === 1 ? text : nthOf(text, nth)
  })
}

/** References by id, of all that is configured. */
export function namesById({ rows }: Pick<ReadConfiguration, 'rows'>): Map<string, string> {
  const pairs = fileNouns.flatMap((noun) => {
    const things = rows[noun.noun] ?? []
    const names = referencesOf(noun, things)
    return things.map(({ id }, at) => [id, names[at] ?? ''] as const)
  })
  return new Map(pairs)
}

/** The file which says what is configured; `shown`: with the secrets which the API shows, to compare them. */
export function writtenConfiguration(
  read: ReadConfiguration,
  secrets: 'left' | 'shown' = 'left',
): ConfigurationFile {
  const names = namesById(read)
  const file: Record<string, unknown> = {
    customer: settingsOf(read.customer, read.settable.customer ?? [], names),
  }
  for (const noun of fileNouns) {
    const rows = read.rows[noun.noun] ?? []
    const asked = askedSecrets(noun, rows)
    file[noun.noun] = rows.map((row, at) => ({
      ...writtenThing(noun, row, read, names),
      ...asked[at],
      ...(secrets === 'shown' && shownSecrets(noun, row)),
    }))
  }
  return { trunkline: 1, ...file }
}

function writtenThing(
  noun: FileNoun,
  row: ApiRow,
  read: ReadConfiguration,
  names: Map<string, string>,
): ThingSettings {
  const left = [...(noun.left ?? []), ...(noun.secrets ?? [])]
  const fields = (read.settable[noun.noun] ?? []).filter((field) => !left.includes(field))
  return settingsOf(row, fields, names)
}

/** Of each thing the secrets which it has, as variables. */
function askedSecrets(noun: FileNoun, rows: readonly ApiRow[]): ThingSettings[] {
  const asked = (noun.secrets ?? []).map((secret) => [secret, variablesOf(noun, rows, secret)] as const)
  return rows.map((row, at) => {
    const has = asked.filter(([secret]) => row[`${secret}_set`] === true || row[secret] !== undefined)
    return Object.fromEntries(has.map(([secret, variables]) => [secret, { env: variables[at] }]))
  })
}

function shownSecrets({ secrets = [] }: FileNoun, row: ApiRow): ThingSettings {
  const shown = secrets.filter((secret) => row[secret] !== undefined && !isShortened(row[secret]))
  return Object.fromEntries(shown.map((secret) => [secret, row[secret]]))
}

/** Whether it is a URL of which a key which only reads is shown the beginning. */
export function isShortened(value: unknown): boolean {
  return typeof value === 'string' && value.endsWith('/…')
}

function settingsOf(
  row: ThingSettings,
  fields: readonly string[],
  names: Map<string, string>,
): ThingSettings {
  const said = fields.filter((field) => row[field] !== undefined)
  return Object.fromEntries(
    said.map((field) => [field, replacedTexts(row[field], (text) => names.get(text) ?? text)]),
  )
}

/** The variable which has a secret: `EXTENSIONS_OFFICE1_PASSWORD`. */
export function variableOf(noun: string, name: string, secret: string): string {
  return [noun, name, secret]
    .join('_')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase()
}

/** The variables which have a secret of things, to each its own: `WEBHOOKS_HOOK_URL`, `WEBHOOKS_HOOK__2_URL`. */
export function variablesOf(
  { noun, named }: Pick<FileNoun, 'noun' | 'named'>,
  things: readonly ThingSettings[],
  secret: string,
): string[] {
  const variables = things.map((thing) => variableOf(noun, String(thing[named] ?? ''), secret))
  // No name comes to two underscores, so that a thing called "hook 2" has another.
  return toldApart(
    variables,
    (variable, nth) => `${variable.slice(0, -secret.length)}_${nth}_${secret.toUpperCase()}`,
  )
}

/** A value with each text in it replaced. */
export function replacedTexts(value: unknown, replace: (text: string) => unknown): unknown {
  if (typeof value === 'string') return replace(value)
  if (Array.isArray(value)) return value.map((one) => replacedTexts(one, replace))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replacedTexts(one, replace)]))
}

/** Whether a text is the name of a thing in the file. */
export function isReference(text: string): boolean {
  return fileNouns.some(({ noun }) => text.startsWith(`@${noun}/`))
}
