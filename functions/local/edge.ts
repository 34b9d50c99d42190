/*
 * `npm run edge`: the API and its database alone; relays run elsewhere.
 */
import { run } from './parts.ts'
import { readSettings } from './settings.ts'
import { print, startEdgeSide } from './stack.ts'
import { accessLines } from './welcome.ts'

await run(async (parts) => {
  const { settings, wrong } = readSettings(process.env)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  const edge = await startEdgeSide(settings, parts)
  print(
    [
      '',
      `  The edge is up at ${edge.apiUrl}/v1.0`,
      `  Console     ${edge.consoleUrl}`,
      ...accessLines(settings, edge),
      '',
      '  A relay joins it with a key of its own, made here:',
      `    EDGE_URL=${edge.apiUrl} RELAY_KEY=$(npm run --silent relay-key -- berlin-1) npm run relay`,
      '',
    ].join('\n'),
  )
})
