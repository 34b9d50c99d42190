import { runningStack, startStack } from '../support/stack.ts'
import { pause } from '../support/wait.ts'
import { pickScenes } from './scenes.ts'
import { say, showScene, showVerdicts, type Verdict } from './show.ts'
import { openStage, type Stage } from './stage.ts'

/*
 * `npm run demo`: real calls over real sockets, told so that a newcomer can follow them. Uses the stack
 * which runs here, or starts one of its own for as long as it lasts.
 *
 * `npm run demo -- cancel` plays only the scenes whose title holds that word. Once there is a stack it ends within a minute,
 * with a verdict per scene, whatever becomes of the calls: what a slow machine takes to start one is no scene's time.
 */
const started = performance.now()
const closingMs = 5_000
const folder = process.env.DATA_DIR ?? '.trunkline'
const running = await runningStack(folder)
say(
  running ? `Using the stack at ${running.local.api_url}.` : 'No stack runs here: starting one for the demo.',
)
const own = running === undefined ? await startStack() : undefined
/** What closing takes at most is left of the minute. */
const endsAt = performance.now() + 54_000
const stack = running ?? own
let stage: Stage | undefined

process.once('SIGINT', () => void close().then(() => process.exit(130)))

let code = 1
try {
  if (stack === undefined) throw new Error('there is no stack to show')
  stage = await openStage(stack, own?.folder ?? folder)
  const verdicts: Verdict[] = []
  for (const scene of pickScenes(process.argv.slice(2))) verdicts.push(await showScene(scene, stage, endsAt))
  showVerdicts(verdicts, performance.now() - started)
  code = verdicts.every(({ failed }) => failed.length === 0) ? 0 : 1
} catch (error) {
  say(`The demo could not go on: ${error instanceof Error ? error.message : error}`)
  if (own) say(own.words())
}
await close()
// A scene whose time was up may still wait for something.
process.exit(code)

async function close(): Promise<void> {
  await Promise.race([stage?.close(), pause(closingMs)]).catch(() => undefined)
  await Promise.race([own?.stop(), pause(closingMs)])
}
