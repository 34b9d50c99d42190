import * as z from 'zod'
import { ApiError } from '../http/api-error.ts'
import type { VersionReach } from '../store/history.ts'

/** The number of a change to any configuration; each is a customer's configuration as it was with it. */
export const version = z.int('is a whole number').min(1, 'is at least 1')

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
