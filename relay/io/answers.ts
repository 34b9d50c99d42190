import type { Answer, Question } from '../ground/effects.ts'
import type { EdgeLink } from './edge.ts'
import type { FlowServers } from './flow-servers.ts'
import type { Locator } from './locate.ts'
import type { openSounds } from './open-sounds.ts'
import type { SnapshotSource } from './snapshots.ts'

interface AnswerSources {
  readonly locator: Locator
  readonly source: SnapshotSource
  readonly sounds: Pick<ReturnType<typeof openSounds>, 'find'>
  readonly flowServers: FlowServers
  readonly edge: EdgeLink
}

/** Who answers which of the engine's questions. Rejects where no answer is to be had. */
export function answersFrom({ locator, source, sounds, flowServers, edge }: AnswerSources) {
  return async (question: Question, withinMs?: number): Promise<Answer> => {
    if (question.ask === 'locate')
      return { ask: 'locate', answer: await locator.locate(question.question, withinMs) }
    if (question.ask === 'whereabouts')
      return { ask: 'whereabouts', answer: await locator.whereabouts(question.question) }
    if (question.ask === 'snapshot') return { ask: 'snapshot', answer: await source.pull(question.question) }
    if (question.ask === 'sound')
      return { ask: 'sound', answer: await sounds.find(question.question, withinMs) }
    if (question.ask === 'flow-server')
      return { ask: 'flow-server', answer: await flowServers.ask(question.question) }
    return edge.ask(question, withinMs)
  }
}
