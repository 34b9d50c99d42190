/*
 * `npm start`: the whole product on this machine, from its database to its SIP port, until Ctrl-C.
 */
import { run } from './parts.ts'
import { readSettings } from './settings.ts'
import { print, startEdgeSide, startRelaySide, withOwnRelay, writeLocalFile } from './stack.ts'
import { welcome } from './welcome.ts'

await run(async (parts) => {
  const { settings, wrong } = readSettings(process.env)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
  const own = await withOwnRelay(settings)
  const edge = await startEdgeSide(own, parts)
  await startRelaySide(own, edge, parts)
  writeLocalFile(own, edge, parts)
  print(welcome(own, edge))
})
