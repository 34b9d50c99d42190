import { useState } from 'preact/hooks'
import type { AccessScope } from '#contract'
import { useAll } from './all-pages.ts'
import { useAnswer } from './answer.ts'
import { Form } from './form.tsx'
import { useEvents } from './live.ts'
import { Once } from './once.tsx'
import { Order } from './order.tsx'
import { Refusal } from './refusal.tsx'
import { asked, may, session } from './session.ts'
import type { OwnKey, ShownKey } from './shown.ts'
import { clockTime, listed } from './words.ts'

/** The access keys there are: what each opens, when it was used; made, given another token, revoked. */
export function KeysScreen() {
  const scopes = session.value?.scopes ?? []
  return (
    <>
      <h1>Keys</h1>
      <p class="hint">
        For programs, and for this page. Yours has the scope{scopes.length === 1 ? '' : 's'} {listed(scopes)}.
      </p>
      {may('admin') ? (
        <Keys />
      ) : (
        <p class="notice">Keys are seen and made with one which has the scope admin: this one has not.</p>
      )}
    </>
  )
}

function Keys() {
  const { rows, more, refusal, again } = useAll<ShownKey>('/v1.0/accesskeys')
  const own = useAnswer<OwnKey>('/v1.0/accesskey')
  useEvents(({ type }) => type.startsWith('accesskey.'), again)
  return (
    <>
      <Refusal refusal={refusal} again={again} />
      {rows === undefined && !refusal && <p class="waiting">Asking …</p>}
      {rows !== undefined && rows.length > 0 && (
        <div class="card keyring">
          {rows.map((key) => (
            <Key key={key.id} shown={key} isOwn={key.id === own.answer?.id} again={again} />
          ))}
        </div>
      )}
      {more && <p class="hint">There are more than a thousand; these are the newest of them.</p>}
      <Making again={again} />
    </>
  )
}

interface KeyOf {
  readonly shown: ShownKey
  /** It is the one by which this page asks. */
  readonly isOwn: boolean
  readonly again: () => void
}

/** So long what a key had before goes on opening. */
const OVERLAP_SECONDS = 86_400

function Key({ shown, isOwn, again }: KeyOf) {
  const { id, name, token_prefix, scopes, admin, tm_expire, tm_previous_expire, tm_last_used, tm_create } =
    shown
  const [token, show] = useState('')
  const expired = tm_expire !== null && new Date(tm_expire) < new Date()
  return (
    <section class="key" aria-label={`Key ${name} ${token_prefix}`}>
      <div>
        <h2 class="thing">{name || 'without a name'}</h2>
        <p class="title">
          <code>{token_prefix}…</code>
          {isOwn && <span class="badge">this page’s</span>}
          {admin && <span class="badge">of an administrator</span>}
        </p>
      </div>
      <div>
        <p class="unseen">Opens {opened(scopes)}.</p>
        <ul class="chips" aria-hidden="true">
          {accessScopes.map((scope) => (
            <li key={scope} class={scopes.includes(scope) || scopes.includes('admin') ? 'held' : 'lacking'}>
              {scope}
            </li>
          ))}
        </ul>
      </div>
      <div>
        {expired ? (
          <p class="bad">✕ ended {clockTime(tm_expire)}</p>
        ) : (
          <p class={tm_last_used === null ? 'quiet' : ''}>
            {tm_last_used === null ? 'never used' : `used last ${clockTime(tm_last_used)}`}
          </p>
        )}
        <p class="hint">
          made {clockTime(tm_create)}
          {tm_expire !== null && !expired && `, ends ${clockTime(tm_expire)}`}
        </p>
        {tm_previous_expire !== null && (
          <p class="hint">its token before opens until {clockTime(tm_previous_expire)}</p>
        )}
      </div>
      <div class="order">
        <Order
          action="Give it another token"
          scope="admin"
          sure={`The token it has now opens for one day more; programs change over meanwhile.${isOwn ? ' This page, too: sign in with the new one.' : ''}`}
          run={async () => {
            const made = await asked<{ token: string }>({
              method: 'POST',
              path: `/v1.0/accesskeys/${id}/rotate`,
              body: { overlap_seconds: OVERLAP_SECONDS },
            })
            show(made.token)
            again()
            return ''
          }}
        />
        <Order
          action="Revoke"
          scope="admin"
          danger
          sure={`What sends it is refused from now on, phones by its tokens are thrown out, and it never comes back.${isOwn ? ' It is the key of this page: you are signed out.' : ''}`}
          run={async () => {
            await asked({ method: 'DELETE', path: `/v1.0/accesskeys/${id}` })
            again()
            return 'It is revoked.'
          }}
        />
      </div>
      {token !== '' && (
        <Once secret={token} words="Its new token: it is shown here alone, and never again." />
      )}
    </section>
  )
}

const accessScopes = ['read', 'configure', 'call', 'admin'] as const

/** What a key of a scope may do. */
const scopeWords: Readonly<Record<AccessScope, string>> = {
  read: 'what is shown',
  configure: 'what is configured',
  call: 'making and ending calls, phones in browsers',
  admin: 'everything, keys too',
}

function opened(scopes: readonly AccessScope[]): string {
  return scopes.includes('admin')
    ? scopeWords.admin
    : listed(scopes.map((scope) => scopeWords[scope] ?? scope))
}

const lasting: readonly (readonly [string, string])[] = [
  ['', 'until it is revoked'],
  ['86400', 'for a day'],
  ['2592000', 'for 30 days'],
  ['31536000', 'for a year'],
]

function Making({ again }: { again: () => void }) {
  const [token, show] = useState('')
  const [scopes, choose] = useState<readonly string[]>(['read'])
  const make = async ({ name, expire }: Readonly<Record<string, string>>) => {
    show('')
    const body = { name, scopes, ...(expire && { expire: Number(expire) }) }
    const made = await asked<{ token: string }>({ method: 'POST', path: '/v1.0/accesskeys', body })
    show(made.token)
    again()
    return ''
  }
  return (
    <section class="card" aria-labelledby="making">
      <h2 id="making">Make a key</h2>
      <Form
        action="Make the key"
        scope="admin"
        send={make}
        fields={[
          { name: 'name', label: 'Name', hint: 'What it is for, so that one knows later.' },
          { name: 'expire', label: 'It opens', choices: lasting },
        ]}
      >
        <fieldset>
          <legend>What it opens</legend>
          {Object.entries(scopeWords).map(([scope, words]) => (
            <label key={scope} class="check">
              <input
                type="checkbox"
                checked={scopes.includes(scope)}
                onChange={({ currentTarget }) =>
                  choose(currentTarget.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))
                }
              />
              <span>
                <code>{scope}</code> {words}
              </span>
            </label>
          ))}
        </fieldset>
      </Form>
      {token !== '' && (
        <Once
          secret={token}
          words="The key: it is shown here alone, and never again. Keep it where programs find it."
        />
      )}
    </section>
  )
}
