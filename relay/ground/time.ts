declare const utc: unique symbol

/**
 * UTC in milliseconds since 1970: what is told, kept and compared elsewhere (`at`). Timers go by monotonic milliseconds
 * (`now`), which are plain numbers: none of them is taken for an instant.
 */
export type UtcMs = number & { readonly [utc]: true }

/** Takes a number for UTC: where a clock was read, or an instant which came as text. */
export function utcMs(milliseconds: number): UtcMs {
  return milliseconds as UtcMs
}
