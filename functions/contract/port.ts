import * as z from 'zod'

/** A port, as `Port` has it. */
export const port = z.int().min(0).max(65_535).brand<'port'>()
