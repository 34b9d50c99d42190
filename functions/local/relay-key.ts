import { relayKey, relayName } from '../relay-key.ts'
import { readSecrets } from './secrets-file.ts'
import { readSettings } from './settings.ts'

/*
 * `npm run relay-key -- <name>`: prints the key with which a relay of that name joins this edge. The secret
 * it is made from is RELAY_SECRET, or that of the stack in DATA_DIR.
 */

const [name = ''] = process.argv.slice(2)

try {
  if (!relayName.test(name)) {
    throw new Error('Name the relay in small letters, digits and dashes: npm run relay-key -- berlin-1')
  }
  process.stdout.write(`${await relayKey(relaySecret(), name)}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}

function relaySecret(): string {
  const { folder } = readSettings(process.env).settings
  const secret = process.env.RELAY_SECRET?.split(',')[0]?.trim() || readSecrets(folder)?.relay_secret
  if (secret === undefined) {
    throw new Error(`No stack was ever started in ${folder}: start one, or set RELAY_SECRET to the edge's.`)
  }
  return secret
}
