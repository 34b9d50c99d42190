import { addressOf } from './address.ts'
import { useAll } from './all-pages.ts'
import { Form } from './form.tsx'
import { useEvents } from './live.ts'
import { goTo } from './place.ts'
import { Refusal } from './refusal.tsx'
import { asked } from './session.ts'
import type { ShownFlow, ShownNumber } from './shown.ts'
import { clockTime } from './words.ts'

/** The flows there are, and what leads to each. */
export function FlowsScreen() {
  const flows = useAll<ShownFlow>('/v1.0/flows')
  const numbers = useAll<ShownNumber>('/v1.0/numbers')
  useEvents(({ type }) => type.startsWith('flow.'), flows.again)
  useEvents(({ type }) => type.startsWith('number.'), numbers.again)
  const numbersOf = (id: string) =>
    (numbers.rows ?? []).filter(({ call_flow_id }) => call_flow_id === id).map(({ number }) => number)
  return (
    <>
      <h1>Flows</h1>
      <Refusal refusal={flows.refusal ?? numbers.refusal} again={flows.again} />
      {flows.rows === undefined && !flows.refusal && <p class="waiting">Asking …</p>}
      {flows.rows?.length === 0 && (
        <p class="notice">
          There is no flow yet: what an incoming call goes through, such as a menu, hours, a mailbox.
        </p>
      )}
      {flows.rows !== undefined && flows.rows.length > 0 && (
        <div class="card scroll">
          <table class="rows flows">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Numbers which lead to it</th>
                <th scope="col">Actions</th>
                <th scope="col">Changed</th>
              </tr>
            </thead>
            <tbody>
              {flows.rows.map(({ id, name, actions, version, tm_create, tm_update }) => (
                <tr key={id}>
                  <td class="from">
                    <a href={addressOf('flows', id)}>{name || 'without a name'}</a>
                  </td>
                  <td class="through">{numbersOf(id).join(', ') || <span class="quiet">none</span>}</td>
                  <td class="result">
                    {actions.length}, version {version}
                  </td>
                  <td class="when">{clockTime(tm_update ?? tm_create)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <section class="card" aria-labelledby="another">
        <h2 id="another">Make a flow</h2>
        <Form
          action="Make the flow"
          scope="configure"
          fields={[{ name: 'name', label: 'Name', hint: 'It begins with a greeting, to be rewritten.' }]}
          send={async ({ name }) => {
            const { id } = await asked<ShownFlow>({
              method: 'POST',
              path: '/v1.0/flows',
              body: { name, actions: greeting },
            })
            goTo(addressOf('flows', id))
            return 'It is there.'
          }}
        />
      </section>
    </>
  )
}

const greeting = [
  { id: 'answer', type: 'answer' },
  { id: 'greeting', type: 'talk', option: { text: 'Good day. There is nobody here yet.' } },
  { id: 'bye', type: 'hangup' },
]
