import type { AnswerShown } from './answer.ts'
import { Order } from './order.tsx'
import { Refusal } from './refusal.tsx'
import { asked } from './session.ts'
import type { Listed, ShownPhoneToken } from './shown.ts'
import { fullTime } from './words.ts'

interface TokensOf {
  readonly tokens: AnswerShown<Listed<ShownPhoneToken>>
  readonly path: string
}

/** The tokens by which phones in browsers and apps may register, and an end to each; nothing where there are none. */
export function PhoneTokens({ tokens, path }: TokensOf) {
  const { answer, refusal, again } = tokens
  if (refusal === undefined && !answer?.result.length) return null
  return (
    <section class="card" aria-labelledby="tokens">
      <h2 id="tokens">Tokens by which it may register</h2>
      <Refusal refusal={refusal} again={again} />
      <ul class="findings">
        {answer?.result.map(({ id, key_name, tm_create, tm_expire }) => (
          <li key={id}>
            <div>
              <p>
                Until <strong>{fullTime(tm_expire)}</strong>
              </p>
              <p class="hint">
                Made {fullTime(tm_create)}
                {key_name ? ` by the key ${key_name}` : ''} · {id}
              </p>
              <Order
                action="End it"
                scope="call"
                danger
                sure="What registered by it is thrown out, and it opens nothing more."
                run={async () => {
                  await asked({ method: 'DELETE', path: `${path}/${id}` })
                  again()
                  return 'It is ended.'
                }}
              />
            </div>
          </li>
        ))}
      </ul>
    </section>
  )
}
