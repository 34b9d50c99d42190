import { useAnswer } from './answer.ts'
import { useEvents } from './live.ts'
import { Remedied } from './remedied.tsx'
import type { Remedy } from './shown.ts'

/** Says why a call has no messages, and has those which come kept. */
export function NotKept({ why, goesOn }: { why: string; goesOn: boolean }) {
  const { answer, again } = useAnswer<{ readonly capture_messages: boolean }>('/v1.0/customer')
  useEvents(({ type }) => type.startsWith('customer.'), again)
  if (answer === undefined) return null
  if (answer.capture_messages)
    return (
      <>
        <p>{goesOn ? 'None is kept so far: it takes a second after they passed.' : why}</p>
        <p class="hint">Those of calls which begin now are kept: it is switched on.</p>
      </>
    )
  const body = { capture_messages: true }
  const request: Remedy = { method: 'PATCH', path: '/v1.0/customer', body, fill_in: [] }
  return (
    <>
      <p>{why}</p>
      <Remedied request={request} title="The request which has them kept" />
    </>
  )
}
