import { beatAnswer, monotonicMs, relayProtocol } from '#contract'
import type { Question } from '../../relay/ground/effects.ts'
import { Ladder } from './ladder.ts'
import { CalledParty } from './made-call.ts'
import { telnyx } from './office.ts'

/** Asks the edge for a relay; undefined: no answer came, or none which helps. */
export type AskEdge = (relayId: string, path: string, body: object) => Promise<object | undefined>

/** How far a party which was called is: each step comes after the one before. */
const course = ['invited', 'ringing', 'answered', 'ended'] as const
type CourseStep = (typeof course)[number]

let boots = 0

/** A relay on paper, one process after the other: its core, its disk, and its way to a real edge. */
export class PaperRelay {
  readonly name: string
  readonly #ask: AskEdge
  /** undefined: it was killed. */
  #ladder: Ladder | undefined
  #boot = ''
  #beats = 0
  #read = 0
  #course: CourseStep | undefined
  /** What is to be told, as on its disk: it is there after it was killed. */
  #disk: object[] = []
  /** Call-IDs with which the phone network was rung, by whichever process. */
  readonly rung = new Set<string>()

  constructor(name: string, ask: AskEdge) {
    this.name = name
    this.#ask = ask
    this.begin()
  }

  get lives(): boolean {
    return this.#ladder !== undefined
  }

  /** How much is to be told. */
  get waiting(): number {
    return this.#disk.length
  }

  /** A process begins, with what is on the disk. */
  begin(): void {
    boots += 1
    const isFirst = this.#boot === ''
    this.#boot = crypto.randomUUID()
    this.#ladder = new Ladder([telnyx], { relayId: this.name, seed: boots * 100_000 })
    this.#read = 0
    this.#course = undefined
    if (isFirst) return
    const at = new Date().toISOString()
    const tell_id = crypto.randomUUID()
    this.#disk.push({ kind: 'relay', tell_id, sequence: 1, at, event: 'started', relay_id: this.name })
  }

  kill(): void {
    this.#ladder = undefined
  }

  /** Says how things stand, and hears what is new. */
  async beat(): Promise<void> {
    const ladder = this.#ladder?.whatever().after(1)
    if (!ladder) return
    const now = monotonicMs(ladder.now)
    const said = {
      relay_id: this.name,
      boot_id: this.#boot,
      started_at: '2026-11-24T00:00:00.000Z',
      at: new Date(Date.parse('2026-11-24T00:00:00.000Z') + ++this.#beats).toISOString(),
      address: '192.0.2.1',
      port: 5060,
      protocol: relayProtocol,
      waiting_tells: this.#disk.length,
      ...ladder.engine.pulse(now),
    }
    ladder.after(1)
    const answer = await this.#ask(this.name, 'beat', said)
    if (answer) ladder.hear({ type: 'beat', answer: beatAnswer.parse(answer), sentAt: now })
    else ladder.hear({ type: 'unbeaten', why: 'nothing was said', away: true })
    this.#note()
  }

  /** What the core wants to know next; undefined: nothing. */
  get asks(): Question['ask'] | undefined {
    return this.#ladder?.questions[0]?.question.ask
  }

  /** Its question is answered, or comes to nothing. */
  async answered(): Promise<void> {
    const ladder = this.#ladder?.whatever()
    const [asked] = ladder?.questions ?? []
    if (!ladder || !asked) return
    const { ask, question } = asked.question
    if (ask === 'locate') ladder.locate(telnyx)
    else {
      const known = ask === 'begin' || ask === 'route'
      const answer = known ? await this.#ask(this.name, ask, question) : undefined
      if (answer) ladder.answer({ ask, answer } as Parameters<Ladder['answer']>[0])
      else ladder.noAnswer(ask)
    }
    this.#note()
  }

  /** The party which was called goes one step further; undefined: none was, or its call is over. */
  goesOn(): CourseStep | undefined {
    const ladder = this.#ladder
    const party = ladder && new CalledParty(ladder.whatever(), telnyx)
    if (!party || this.#course === undefined || this.#course === 'ended') return undefined
    if (this.#course === 'invited') party.says(180)
    else if (this.#course === 'ringing') party.says(200)
    else party.hangsUp()
    this.#course = course[course.indexOf(this.#course) + 1]
    this.#note()
    return this.#course
  }

  /** What is on the disk is told; what was heard goes. */
  async tells(): Promise<void> {
    if (!this.lives || this.#disk.length === 0) return
    const tells = [...this.#disk]
    const heard = await this.#ask(this.name, 'tells', { relay_id: this.name, tells })
    if (!heard) return
    const { refused } = heard as { refused: object[] }
    if (refused.length > 0) throw new Error(`the edge refuses what is told: ${JSON.stringify(refused)}`)
    this.#disk = this.#disk.slice(tells.length)
  }

  /** What the core said has happened: its tells are on the disk, and who was called is noted. */
  #note(): void {
    const ladder = this.#ladder
    if (!ladder) return
    this.#disk.push(...ladder.tells.slice(this.#read))
    this.#read = ladder.tells.length
    for (const sent of ladder.messages(telnyx))
      if (sent.kind === 'request' && sent.method === 'INVITE' && !this.rung.has(sent.callId)) {
        this.rung.add(sent.callId)
        this.#course = 'invited'
      }
  }
}
