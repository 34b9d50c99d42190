import {
  type ConfigurationFile,
  type FileNoun,
  fileNouns,
  referencesOf,
  secretsOf,
  type ThingSettings,
} from './configuration.ts'

/** One thing which is another in the file than where it is to go. */
export interface ThingDifference {
  /** `customer`, or its name in the file. */
  readonly reference: string
  readonly noun: string
  /** `add`: only the file has it; `change`: it has other fields; `beyond`: the file has it not. */
  readonly kind: 'add' | 'change' | 'beyond'
  /** Fields as the file has them; of a change those which differ. */
  readonly fields: ThingSettings
  /** The same as they are, without secrets. */
  readonly was: ThingSettings
}

/** What would have to happen for the one to be as the other says. What the file leaves out of a thing stays. */
export function differencesOf(wanted: ConfigurationFile, there: ConfigurationFile): ThingDifference[] {
  const own = changed('customer', 'customer', wanted.customer ?? {}, there.customer ?? {})
  // A default caller id may be a number which is made before.
  return [...fileNouns.flatMap((noun) => ofNoun(noun, wanted, there)), ...own]
}

function ofNoun(noun: FileNoun, wanted: ConfigurationFile, there: ConfigurationFile): ThingDifference[] {
  // What the file says nothing of is not touched; an empty list says that there are none.
  if (wanted[noun.noun] === undefined) return []
  const [asked, present] = [byReference(noun, wanted), byReference(noun, there)]
  const wants = [...asked].flatMap(([reference, fields]): ThingDifference[] => {
    const is = present.get(reference)
    if (is) return changed(reference, noun.noun, withoutKept(noun.noun, fields, is), is)
    return [{ reference, noun: noun.noun, kind: 'add', fields, was: {} }]
  })
  const beyond = [...present].filter(([reference]) => !asked.has(reference))
  return [
    ...wants,
    ...beyond.map(([reference, was]) => ({
      reference,
      noun: noun.noun,
      kind: 'beyond' as const,
      fields: {},
      was: withoutSecrets(noun.noun, was),
    })),
  ]
}

function byReference(noun: FileNoun, file: ConfigurationFile): Map<string, ThingSettings> {
  const things = (file[noun.noun] ?? []) as readonly ThingSettings[]
  return new Map(referencesOf(noun, things).map((reference, at) => [reference, things[at] ?? {}]))
}

function changed(
  reference: string,
  noun: string,
  fields: ThingSettings,
  is: ThingSettings,
): ThingDifference[] {
  const others = Object.keys(fields).filter((field) => !isAsWanted(fields[field], is[field] ?? null))
  if (others.length === 0) return []
  const was = withoutSecrets(noun, picked(is, others))
  return [{ reference, noun, kind: 'change', fields: picked(fields, others), was }]
}

function picked(fields: ThingSettings, names: readonly string[]): ThingSettings {
  return Object.fromEntries(names.map((name) => [name, fields[name] ?? null]))
}

/** Without the secrets which what is there keeps: all but a text which is known to be another. */
function withoutKept(noun: string, fields: ThingSettings, is: ThingSettings): ThingSettings {
  const isKept = (name: string) =>
    secretsOf(noun).includes(name) && !(typeof fields[name] === 'string' && typeof is[name] === 'string')
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isKept(name)))
}

function withoutSecrets(noun: string, fields: ThingSettings): ThingSettings {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !secretsOf(noun).includes(name)))
}

/** Whether a value is as the file has it; what it leaves out of an object is as it is, since the API fills in what is usual. */
function isAsWanted(wanted: unknown, is: unknown): boolean {
  if (Array.isArray(wanted))
    return (
      Array.isArray(is) && wanted.length === is.length && wanted.every((one, at) => isAsWanted(one, is[at]))
    )
  if (typeof wanted !== 'object' || wanted === null) return wanted === is
  if (typeof is !== 'object' || is === null || Array.isArray(is)) return false
  return Object.entries(wanted).every(([key, one]) => isAsWanted(one, Reflect.get(is, key)))
}

/** A difference in lines, for people. */
export function differenceLines({ reference, noun, kind, fields, was }: ThingDifference): string[] {
  if (kind === 'beyond') return [`? ${reference}`]
  if (kind === 'add') return [`+ ${reference}`]
  const told = Object.keys(fields).map((name) =>
    secretsOf(noun).includes(name)
      ? `    ${name}: another`
      : `    ${name}: ${shortened(was[name])} → ${shortened(fields[name])}`,
  )
  return [`~ ${reference}`, ...told]
}

function shortened(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null'
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
