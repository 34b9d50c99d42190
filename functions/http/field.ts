import type { Context } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'

/** One field of a noun: what a client may write of it, and what it is shown. */
export interface Field<Input extends z.ZodType | undefined = z.ZodType | undefined> {
  /** What may be written; undefined: it is read only. */
  readonly input: Input
  /** What is shown; undefined: it never is. */
  readonly output: z.ZodType | undefined
  /** Whether what is written is kept as it is, in the column of the field's name: `probe_accept` in `probeAccept`. */
  readonly kept: boolean
  /** What of a row is shown. */
  readonly present: (row: never, c: Context<Edge>) => unknown
}
export type Fields = Readonly<Record<string, Field>>

/** What stands in the column of the field's name. `shown` says how, where that is not as it was written. */
export function field<Input extends z.ZodType>(input: Input, shown?: Presentation): KeptField<Input> {
  const { output = input, as } = shown ?? {}
  return { input, output, kept: true, present: as ?? untold }
}
interface Presentation {
  readonly output?: z.ZodType
  readonly as?: (row: never, c: Context<Edge>) => unknown
}
export interface KeptField<Input extends z.ZodType> extends Field<Input> {
  readonly kept: true
}

/** What may be written, is never shown, and is kept as the noun's draft says. */
export function secret<Input extends z.ZodType>(input: Input): Field<Input> {
  return { input, output: undefined, kept: false, present: untold }
}

/** What may be written and is shown, and is kept as the noun's draft says. */
export function derived<Input extends z.ZodType, Row>(
  input: Input,
  present: (row: Row, c: Context<Edge>) => unknown,
  output: z.ZodType = input,
): Field<Input> {
  return { input, output, kept: false, present }
}

/** What only the edge sets: a client may send it back, and nothing happens. */
export function readOnly<Row>(
  output: z.ZodType,
  present: (row: Row, c: Context<Edge>) => unknown,
): Field<undefined> {
  return { input: undefined, output, kept: false, present }
}

/** The name of a column in TypeScript: `probe_accept` is `probeAccept`. */
export function columnOf(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
export type ColumnOf<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<ColumnOf<Tail>>}`
  : Name

type Written<F extends Fields> = {
  [Name in keyof F as F[Name]['input'] extends z.ZodType ? Name : never]: F[Name]['input'] & z.ZodType
}
/** What a client wrote, read and with its defaults. */
export type InputOf<F extends Fields> = z.output<z.ZodObject<Written<F>>>
/** What of it goes into the row as it is. */
export type KeptOf<F extends Fields> = {
  [Name in keyof F & string as F[Name]['kept'] extends true ? ColumnOf<Name> : never]: z.output<
    F[Name]['input'] & z.ZodType
  >
}

/** The schema of a body which says the whole. */
export function inputOf(fields: Fields): z.ZodObject<Record<string, z.ZodType>, z.core.$strict> {
  return z.strictObject(writtenOf(fields))
}

/** The schema of a body which says what is to change, for the API's document: what it leaves out has no default. */
export function patchOf(fields: Fields): z.ZodObject {
  const parts = Object.entries(writtenOf(fields)).map(([name, shape]) => [name, partOf(shape)])
  return z.strictObject(Object.fromEntries(parts))
}

/** A field which may be left out, and is told of in the same words. */
function partOf(shape: z.ZodType): z.ZodType {
  const said = descriptionOf(shape)
  const part = undefaulted(shape).optional()
  return said === undefined ? part : part.describe(said)
}

/** Words which were given to a schema before or after it got its default. */
function descriptionOf(shape: z.ZodType): string | undefined {
  const inner = shape instanceof z.ZodDefault || shape instanceof z.ZodOptional ? shape.unwrap() : undefined
  return shape.description ?? (inner && descriptionOf(inner as z.ZodType))
}

/** Keys of every noun which only the edge sets: a client may send them back, and nothing happens. */
export const readOnlyKeys = ['id', 'etag', 'tm_create', 'tm_update', 'tm_delete', 'reset'] as const

/** Fields which only the edge sets. */
export function readOnlyOf(fields: Fields): string[] {
  return Object.keys(fields).filter((name) => fields[name]?.input === undefined)
}

/** Schemas of what is shown, by field. */
export function outputsOf(fields: Fields): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, { output }]) => (output ? [[name, undefaulted(output)]] : [])),
  )
}

/** What of a body is kept as it is, by column. */
export function keptOf(fields: Fields, input: object): Record<string, unknown> {
  const said: Record<string, unknown> = { ...input }
  const kept = Object.keys(fields).filter((name) => fields[name]?.kept)
  return Object.fromEntries(kept.map((name) => [columnOf(name), said[name]]))
}

/** A row's fields as they are shown, in an object of their own or in one which has more. */
export function presented(
  fields: Fields,
  row: object,
  c: Context<Edge>,
  shown: Record<string, unknown> = {},
): Record<string, unknown> {
  const kept = row as Record<string, unknown>
  for (const { name, column, present } of shownOf(fields))
    shown[name] = present === untold ? kept[column] : present(row as never, c)
  return shown
}

/** Names of the fields which are shown. */
export function shownNames(fields: Fields): string[] {
  return shownOf(fields).map(({ name }) => name)
}

/** What is shown of each noun: a page has a hundred rows. */
const known = new WeakMap<Fields, readonly (Pick<Field, 'present'> & { name: string; column: string })[]>()

function shownOf(fields: Fields) {
  const shown =
    known.get(fields) ??
    Object.entries(fields).flatMap(([name, { output, present }]) =>
      output ? [{ name, column: columnOf(name), present }] : [],
    )
  known.set(fields, shown)
  return shown
}

/** Stands for what is shown as it is kept, or not at all. */
function untold(): undefined {
  return undefined
}

function writtenOf(fields: Fields): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, { input }]) => (input === undefined ? [] : [[name, input]])),
  )
}

/** A schema without the default which it has where nothing was said: an answer says everything. */
export function undefaulted(shape: z.ZodType): z.ZodType {
  if (shape instanceof z.ZodDefault || shape instanceof z.ZodOptional) {
    return undefaulted(shape.unwrap() as z.ZodType)
  }
  return shape
}
