import { Spool } from '../../../relay/io/spool.ts'
import { silence } from '../../support/silence.ts'
import { callTell } from './tells.ts'

/* Spools calls without end and names those which are on disk, until it is killed. */
const spool = await Spool.open({ folder: process.argv[2] ?? '', log: silence, segmentBytes: 20_000 })
for (;;) {
  const tells = [callTell(), callTell(), callTell()]
  for (const tell of tells) spool.add(tell)
  await spool.flush()
  process.stdout.write(`${tells.map(({ tell_id }) => tell_id).join('\n')}\n`)
}
