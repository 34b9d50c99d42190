import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import type * as z from 'zod'
import { type Ownership, ownership as ownershipShape } from '#contract'
import { type Database, numbers } from '#db'
import type { Edge } from '../env.ts'
import { ApiError } from '../http/api-error.ts'
import { assignable, claimable, overlaps, type Span } from './number-span.ts'

/*
 * Whose a number is. Saying so makes a claim, which stands in no other customer's way: the number rings its customer for calls
 * over the customer's own providers, and no more. It is the customer's once such a call proved it (store/proof.ts), or
 * where an administrator assigns it. An administrator's word counts more than a call.
 */

/**
 * Left out or null: an administrator assigns what it makes, a customer claims it; a change leaves it as it is. So does
 * a customer's `claimed`, which it may have been shown before a call proved more.
 */
export const ownershipInput = ownershipShape.nullish()

/** What a number is to be, as far as the principal may say. Throws beyond that. */
export function ownershipFor(
  c: Context<Edge>,
  asked: z.output<typeof ownershipInput>,
  stored?: Ownership,
): Ownership {
  const { admin } = c.get('principal')
  if (asked == null) return stored ?? (admin ? 'assigned' : 'claimed')
  if (asked === 'claimed' && !admin) return stored ?? asked
  if (asked === stored || asked === 'claimed') return asked
  if (!admin) throw new ApiError('PERMISSION_DENIED', 'Only an administrator may assign a number.')
  if (asked === 'verified')
    throw ApiError.field('ownership', 'follows from a call for the number; say "assigned" instead')
  return asked
}

/** Numbers a range may hold: many, where an administrator answers for them. */
export function mostOf(ownership: Ownership): number {
  return ownership === 'assigned' ? assignable : claimable
}

/** Numbers with something of this one in them which stand in its way: its customer's, and those assigned to others. */
export function conflicting(row: Wanted): SQL {
  const others = row.ownership === 'assigned' ? sql`or other.ownership = 'assigned'` : sql``
  return overlaps(
    row,
    sql`other.id <> ${row.id}::uuid and (other.customer_id = ${row.customerId}::uuid ${others})`,
  )
}

/** Others' claims which a call had proved give way to an administrator's word, where `possible` holds. */
export function supersede(db: Database, row: Wanted, possible: SQL) {
  const proved = overlaps(
    row,
    sql`other.customer_id <> ${row.customerId}::uuid and other.ownership = 'verified' and ${row.ownership === 'assigned'}::boolean`,
  )
  return db
    .update(numbers)
    .set({ ownership: 'claimed', verifiedAt: null, updatedAt: sql`now()` })
    .where(
      and(
        eq(numbers.ownership, 'verified'),
        isNull(numbers.deletedAt),
        sql`${numbers.id} in (select id from ${proved} as proved)`,
        possible,
      ),
    )
}

interface Wanted extends Span {
  id: string
  customerId: string
  ownership: Ownership
}
