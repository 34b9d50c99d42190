import { runningStack, startStack } from '../support/stack.ts'
import { pickScenes } from './scenes.ts'
import { say, showScene, showVerdicts, type Verdict } from './show.ts'
import { openStage, type Stage } from './stage.ts'

/*
 * `npm run demo`: real calls over real sockets, told so that a newcomer can follow them. Uses the stack
 * which runs here, or starts one of its own for as long as it lasts.
 *
 * `npm run demo -- cancel` plays only the scenes whose title holds that word.
 */
const started = performance.now()
const running = await runningStack(process.env.DATA_DIR ?? '.trunkline')
say(
  running ? `Using the stack at ${running.local.api_url}.` : 'No stack runs here: starting one for the demo.',
)
const own = running === undefined ? await startStack() : undefined
const stack = running ?? own
let stage: Stage | undefined

process.once('SIGINT', () => void close().then(() => process.exit(130)))

try {
  if (stack === undefined) throw new Error('there is no stack to show')
  stage = await openStage(stack)
  const verdicts: Verdict[] = []
  for (const scene of pickScenes(process.argv.slice(2))) verdicts.push(await showScene(scene, stage))
  showVerdicts(verdicts, performance.now() - started)
  process.exitCode = verdicts.every(({ failed }) => failed.length === 0) ? 0 : 1
} catch (error) {
  say(`The demo could not go on: ${error instanceof Error ? error.message : error}`)
  if (own) say(own.words())
  process.exitCode = 1
} finally {
  await close()
}

async function close(): Promise<void> {
  await stage?.close()
  await own?.stop()
}
