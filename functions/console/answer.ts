import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Refused } from './api.ts'
import { asked } from './session.ts'

/** What is known of an answer which a screen shows. */
export interface AnswerShown<Answer> {
  /** undefined: none has come yet. An older one stays while it is asked for again. */
  readonly answer: Answer | undefined
  readonly refusal: Refused | undefined
  /** Asks again. */
  readonly again: () => void
}

interface HeldAnswer<Answer> {
  readonly path: string
  readonly answer?: Answer
  readonly refusal?: Refused
}

/** Asks for a path, and keeps what is answered; an empty one is not asked for. It is asked for anew where `stamp` changes. */
export function useAnswer<Answer>(path: string, stamp: number | string = ''): AnswerShown<Answer> {
  const [kept, keep] = useState<HeldAnswer<Answer>>({ path })
  const [turn, setTurn] = useState(0)
  const last = useRef(path)
  last.current = path
  useEffect(() => {
    if (path === '') return
    const leaving = new AbortController()
    asked<Answer>({ path, signal: leaving.signal }).then(
      (answer) => last.current === path && keep({ path, answer }),
      (error) => {
        if (leaving.signal.aborted) return
        const refusal = error instanceof Refused ? error : new Refused(0, 'UNREAD', String(error))
        keep((before) => ({ ...(before.path === path ? before : { path }), refusal }))
      },
    )
    return () => leaving.abort()
  }, [path, turn, stamp])
  const again = useCallback(() => setTurn((now) => now + 1), [])
  const own = kept.path === path ? kept : { path }
  return { answer: own.answer, refusal: own.refusal, again }
}
