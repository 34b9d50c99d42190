import type { ComponentType } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { addressOf } from './address.ts'
import { CallScreen } from './call-screen.tsx'
import { CallsScreen } from './calls-screen.tsx'
import { later } from './later.tsx'
import { isLive } from './live.ts'
import { NowScreen } from './now-screen.tsx'
import { PhoneScreen } from './phone-screen.tsx'
import { PhonesScreen } from './phones-screen.tsx'
import { goTo, place } from './place.ts'
import { may, session, signOut } from './session.ts'
import { SetUpScreen } from './set-up-screen.tsx'
import { SignIn } from './sign-in.tsx'
import { ThemeChoice } from './theme.tsx'
import { Whole } from './whole.tsx'

interface Screen {
  readonly title: string
  readonly list: ComponentType
  readonly one?: ComponentType<{ id: string }>
}

const screens: Readonly<Record<string, Screen>> = {
  calls: { title: 'Calls', list: CallsScreen, one: CallScreen },
  'set-up': { title: 'Set up', list: SetUpScreen },
  phones: { title: 'Phones', list: PhonesScreen, one: PhoneScreen },
  softphone: {
    title: 'Browser phone',
    list: later(() => import('./softphone-screen.tsx').then(({ SoftphoneScreen }) => SoftphoneScreen)),
  },
  now: { title: 'Now', list: NowScreen },
  routes: {
    title: 'Routes',
    list: later(() => import('./routes-screen.tsx').then(({ RoutesScreen }) => RoutesScreen)),
  },
  flows: {
    title: 'Flows',
    list: later(() => import('./flows-screen.tsx').then(({ FlowsScreen }) => FlowsScreen)),
    one: later(() => import('./flow-screen.tsx').then(({ FlowScreen }) => FlowScreen)),
  },
  webhooks: {
    title: 'Webhooks',
    list: later(() => import('./webhooks-screen.tsx').then(({ WebhooksScreen }) => WebhooksScreen)),
    one: later(() => import('./webhook-screen.tsx').then(({ WebhookScreen }) => WebhookScreen)),
  },
  keys: {
    title: 'Keys',
    list: later(() => import('./keys-screen.tsx').then(({ KeysScreen }) => KeysScreen)),
  },
  reference: {
    title: 'API',
    list: later(() => import('./reference-screen.tsx').then(({ ReferenceScreen }) => ReferenceScreen)),
    one: later(() => import('./operation-screen.tsx').then(({ OperationScreen }) => OperationScreen)),
  },
}
const FIRST = 'calls'

/** The console: who is signed in, where one can go, and the screen one is at. */
export function Shell() {
  if (session.value === undefined) return <p class="waiting">Signing in …</p>
  if (session.value === null) return <SignIn />
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <Head />
      <Current />
    </>
  )
}

function Head() {
  const { screen } = place.value
  const current = screen in screens ? screen : FIRST
  return (
    <header>
      <a class="brand" href={addressOf(FIRST)}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M2 12h4l3-7 5 14 3-7h5" />
        </svg>
        <span>Trunkline</span>
      </a>
      <nav aria-label="Screens">
        {Object.entries(screens).map(([name, { title }]) => (
          <a key={name} href={addressOf(name)} {...(name === current && { 'aria-current': 'page' })}>
            {title}
          </a>
        ))}
      </nav>
      <div class="tools">
        <Standing />
        <ThemeChoice />
        <button type="button" onClick={leave}>
          Sign out
        </button>
      </div>
    </header>
  )
}

/** The place one was at is of no use to whom signs in next. */
function leave(): void {
  signOut()
  goTo(addressOf(FIRST))
}

/** Whether what is shown follows what happens, and whether this key may change anything. */
function Standing() {
  const [word, tone] = isLive.value ? ['Live', 'good'] : ['Connecting …', 'warn']
  return (
    <>
      <span class={`live ${tone}`} role="status">
        <span>{word}</span>
      </span>
      {!may('configure') && !may('call') && <span class="badge">Read only</span>}
    </>
  )
}

function Current() {
  const { screen, id } = place.value
  const { title, list: List, one: One } = screens[screen] ?? screens[FIRST] ?? { title: '', list: () => null }
  const main = useRef<HTMLElement>(null)
  const shown = `${screen}/${id}`
  const first = useRef(shown)
  useEffect(() => {
    document.title = `${title} · Trunkline`
    // Who goes by keyboard or hears the page is brought to what is new.
    if (first.current !== shown) main.current?.focus()
    first.current = shown
  }, [shown, title])
  return (
    <main id="main" tabIndex={-1} ref={main}>
      <Whole key={shown}>{One && id !== '' ? <One id={id} /> : <List />}</Whole>
    </main>
  )
}
