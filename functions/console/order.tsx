import { useEffect, useRef, useState } from 'preact/hooks'
import type { AccessScope } from '#contract'
import { may } from './session.ts'

interface OrderOf {
  /** The words on its button. */
  readonly action: string
  readonly scope: AccessScope
  /** What it will do, where one is asked before it is done; empty: it is done at once. */
  readonly sure?: string
  readonly danger?: boolean
  /** Whether there is anything to be done. */
  readonly ready?: boolean
  /** Does it, and gives what is said then. */
  readonly run: () => Promise<string>
}

/** A button which has something done, asks before what cannot be taken back, and says what came of it. */
export function Order({ action, scope, sure = '', danger = false, ready = true, run }: OrderOf) {
  const [asking, ask] = useState(false)
  const [said, say] = useState({ words: '', tone: '' })
  const [working, setWorking] = useState(false)
  const [first, yes] = [useRef<HTMLButtonElement>(null), useRef<HTMLButtonElement>(null)]
  // Who goes by keyboard stands at the answer which is asked for.
  useEffect(() => {
    if (asking) yes.current?.focus()
  }, [asking])
  const leave = () => {
    ask(false)
    setTimeout(() => first.current?.focus())
  }
  const carryOut = async () => {
    ask(false)
    setWorking(true)
    say({ words: 'Sending …', tone: 'quiet' })
    try {
      say({ words: await run(), tone: 'good' })
    } catch (error) {
      say({ words: error instanceof Error ? error.message : String(error), tone: 'bad' })
    }
    setWorking(false)
  }
  if (asking)
    return (
      // biome-ignore lint/a11y/noStaticElementInteractions: Escape leaves the question, as it leaves a dialog.
      <span class="order sure" onKeyDown={({ key }) => key === 'Escape' && leave()}>
        <span role="alert">{sure}</span>
        <button type="button" class={danger ? 'danger' : 'main'} ref={yes} onClick={carryOut}>
          Yes, {action.charAt(0).toLowerCase() + action.slice(1)}
        </button>
        <button type="button" onClick={leave}>
          No
        </button>
      </span>
    )
  return (
    <span class="order">
      <button
        type="button"
        class={danger ? 'danger' : ''}
        ref={first}
        disabled={!may(scope) || !ready || working}
        onClick={() => (sure === '' ? carryOut() : ask(true))}
      >
        {action}
      </button>
      {!may(scope) && <small>Needs a key with the scope {scope}.</small>}
      <span role="status" class={said.tone}>
        {said.words}
      </span>
    </span>
  )
}
