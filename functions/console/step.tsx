import type { ComponentChildren } from 'preact'

interface StepOf {
  /** Which of them it is, the first is 1. */
  readonly nth: number
  readonly title: string
  readonly done: boolean
  /** What is there, in a sentence. */
  readonly standing: string
  readonly children: ComponentChildren
}

/** One step of setting up: what it is for, whether it is done, and what does it. */
export function Step({ nth, title, done, standing, children }: StepOf) {
  return (
    <li class="card">
      <div class="title">
        <span class={`mark ${done ? 'good' : 'quiet'}`} role="img" aria-label={done ? 'Done' : 'To be done'}>
          {done ? '✓' : nth}
        </span>
        <h2>{title}</h2>
      </div>
      <p>{standing}</p>
      {children}
    </li>
  )
}
