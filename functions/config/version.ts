import type { Context } from 'hono'
import * as z from 'zod'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import type { VersionReach } from '../store/history.ts'

/** The number of a change to any configuration; each is a customer's configuration as it was with it. */
export const version = z.int('is a whole number').min(1, 'is at least 1')

/** The `{version}` of the path. Throws INVALID_ID where it is none. */
export function readVersion(c: Context<Edge>): number {
  const text = c.req.param('version') ?? ''
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new ApiError('INVALID_ID', 'The version in the path is not a whole number from 1.')
}

/** Refuses a version of which a history does not reach to tell how things were. */
export function refuseUntold(version: number, { oldest, newest }: VersionReach): void {
  if (version > newest)
    throw new ApiError('VERSION_NOT_FOUND', `There is no version ${version} yet; the newest is ${newest}.`)
  if (oldest === null || version < oldest)
    throw new ApiError(
      'VERSION_GONE',
      `Version ${version} is not kept${oldest === null ? '' : `; the oldest which can be told is ${oldest}`}.`,
    )
}
