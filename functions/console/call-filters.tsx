import { addressOf } from './address.ts'
import { filtersIn } from './call-query.ts'
import { hoursAgo } from './clock.ts'
import { goTo, place } from './place.ts'

type Choices = readonly (readonly [value: string, word: string])[]

const directions: Choices = [
  ['', 'Any direction'],
  ['incoming', 'Incoming'],
  ['outgoing', 'Outgoing'],
  ['internal', 'Internal'],
]

/** What a call may be asked for by how it stands: `status`, or `hangup_reason` where it is over. */
const outcomes: Choices = [
  ['', 'Any outcome'],
  ['status:progressing', 'Talking now'],
  ['status:ringing', 'Ringing now'],
  ['hangup_reason:normal', 'Answered'],
  ['hangup_reason:failed', 'Failed'],
  ['hangup_reason:rejected', 'Refused'],
  ['hangup_reason:dialout', 'Not reached'],
  ['hangup_reason:busy', 'Busy'],
  ['hangup_reason:noanswer', 'No answer'],
  ['hangup_reason:cancel', 'Given up'],
  ['hangup_reason:timeout', 'Timed out'],
  ['hangup_reason:media_timeout', 'No sound'],
  ['hangup_reason:relay_lost', 'Relay lost'],
  ['hangup_reason:transferred', 'Transferred'],
]

const since: Choices = [
  ['', 'Any time'],
  ['1', 'Last hour'],
  ['24', 'Last day'],
  ['168', 'Last week'],
]

/** Narrows the list of calls; what is chosen stands in the address. */
export function CallFilters() {
  const now = filtersIn(place.value.query)
  const outcome = now.status
    ? `status:${now.status}`
    : now.hangup_reason
      ? `hangup_reason:${now.hangup_reason}`
      : ''
  const apply = (change: Record<string, string>) => goTo(addressOf('calls', '', { ...now, ...change }))
  const one = [now.extension_id && 'one phone', now.provider_id && 'one provider'].filter(Boolean)
  return (
    <search>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault()
          apply({ number: String(new FormData(event.currentTarget).get('number') ?? '').trim() })
        }}
      >
        <input
          name="number"
          type="search"
          aria-label="Number"
          placeholder="Number"
          value={now.number ?? ''}
        />
        <Choice
          label="Direction"
          choices={directions}
          value={now.direction ?? ''}
          choose={(direction) => apply({ direction })}
        />
        <Choice
          label="Outcome"
          choices={outcomes}
          value={outcome}
          choose={(chosen) => {
            const [name = 'status', value = ''] = chosen.split(':')
            apply({ status: '', hangup_reason: '', [name]: value })
          }}
        />
        <Choice
          label="Time"
          choices={now.started_after ? [['', 'Any time'], ['kept', 'As chosen'], ...since.slice(1)] : since}
          value={now.started_after ? 'kept' : ''}
          choose={(hours) => apply({ started_after: hours === '' ? '' : hoursAgo(Number(hours)) })}
        />
        {one.length > 0 && (
          <button type="button" onClick={() => apply({ extension_id: '', provider_id: '' })}>
            Of {one.join(' and ')}: show all
          </button>
        )}
      </form>
    </search>
  )
}

interface ChoiceOf {
  readonly label: string
  readonly choices: Choices
  readonly value: string
  readonly choose: (value: string) => void
}

function Choice({ label, choices, value, choose }: ChoiceOf) {
  return (
    <select aria-label={label} value={value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
      {choices.map(([one, word]) => (
        <option key={one} value={one}>
          {word}
        </option>
      ))}
    </select>
  )
}
