import { signal } from '@preact/signals'
import { placeIn } from './address.ts'

/** Where one is now. */
export const place = signal(placeIn(location.hash))

addEventListener('hashchange', () => {
  place.value = placeIn(location.hash)
})

/** Goes to an address. */
export function goTo(address: string): void {
  location.hash = address
}
