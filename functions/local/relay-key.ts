/*
 * `npm run relay-key -- <name>`: prints the key with which a relay of that name joins this edge.
 */
import { relayKey } from '../relay-key.ts'
import { keepSecrets } from './secrets-file.ts'
import { readSettings } from './settings.ts'

const name = process.argv[2] ?? ''
const secret = process.env.RELAY_SECRET || keepSecrets(readSettings(process.env).settings.folder).relay_secret

if (/^[a-z0-9-]{1,40}$/.test(name)) process.stdout.write(`${await relayKey(secret, name)}\n`)
else {
  process.stderr.write(
    'Say the name of the relay, in small letters, digits and dashes: npm run relay-key -- berlin-1\n',
  )
  process.exitCode = 1
}
