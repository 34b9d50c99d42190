import { stripWords } from './delivery-words.ts'
import type { ShownDelivery } from './shown.ts'

/** What came of the deliveries of late, the newest on the right: what was not taken stands out of the row, what waits is low. */
export function DeliveryStrip({ deliveries }: { deliveries: readonly ShownDelivery[] }) {
  const words = stripWords(deliveries)
  return (
    <>
      {deliveries.length > 0 && (
        <div class="strip" role="img" aria-label={words}>
          {[...deliveries].reverse().map(({ id, status }) => (
            <span key={id} class={bars[status]} />
          ))}
        </div>
      )}
      <small class="quiet">{words}</small>
    </>
  )
}

const bars = { delivered: 'taken', failed: 'missed', waiting: 'waits' } as const
