import { useEffect, useState } from 'preact/hooks'
import type { AnswerShown } from './answer.ts'
import { utcNow } from './clock.ts'
import { Order } from './order.tsx'
import { goodAt, scopeToEnd } from './phone-words.ts'
import { Refusal } from './refusal.tsx'
import { asked, may, session } from './session.ts'
import type { Listed, ShownPhoneToken } from './shown.ts'
import { fullTime } from './words.ts'

/** Each is over by itself, and nothing tells of that. */
const LOOK_MS = 10_000

interface TokensOf {
  readonly tokens: AnswerShown<Listed<ShownPhoneToken>>
  readonly path: string
}

/** The tokens by which phones in browsers and apps may register, and an end to each; nothing where there are none. */
export function PhoneTokens({ tokens, path }: TokensOf) {
  const { answer, refusal, again } = tokens
  const [, look] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => look(utcNow()), LOOK_MS)
    return () => clearInterval(timer)
  }, [])
  const good = goodAt(utcNow(), answer?.result ?? [])
  if (refusal === undefined && good.length === 0) return null
  return (
    <section class="card" aria-labelledby="tokens">
      <h2 id="tokens">Tokens by which it may register</h2>
      <Refusal refusal={refusal} again={again} />
      <ul class="findings">
        {good.map((token) => (
          <li key={token.id}>
            <div>
              <p>
                Until <strong>{fullTime(token.tm_expire)}</strong>
              </p>
              <p class="hint">
                Made {fullTime(token.tm_create)}
                {token.key_name ? ` by the key ${token.key_name}` : ''} · {token.id}
              </p>
              <Order
                action="End it"
                scope={scopeToEnd(token, session.value?.id ?? '', may('call'))}
                danger
                sure="What registered by it is thrown out, and no phone registers by it any more. Calls go on."
                run={async () => {
                  await asked({ method: 'DELETE', path: `${path}/${token.id}` })
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
