import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkFlow } from '#flows'
import { actions } from '../../../functions/config/flow-actions.ts'
import { freePort } from '../../support/free-port.ts'
import { soon } from '../../support/wait.ts'

/*
 * The call centre which the README prints is typed as it stands, and asked.
 */

const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8')
const centre = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
const flow = /CENTRE=\$\(api flows -d '([^']*)'/.exec(readme)?.[1] ?? ''
const key = Buffer.alloc(32, 7)

test('the flow which the README prints passes the check', () => {
  expect(checkFlow(actions.parse(JSON.parse(flow).actions))).toEqual([])
})

test('the call centre which the README prints has thirty lines at most', () => {
  expect(centre.trimEnd().split('\n').length).toBeLessThanOrEqual(30)
})

test('the call centre which the README prints says what is next, to who knows the secret', async () => {
  const folder = await mkdtemp(join(import.meta.dirname, 'centre-'))
  const port = await freePort('127.0.0.1')
  await writeFile(join(folder, 'centre.mjs'), centre.replace('8090', String(port)))
  const env = { ...process.env, FLOW_SECRET: `whsec_${key.toString('base64')}` }
  const server = spawn(process.execPath, [join(folder, 'centre.mjs')], { env, stdio: 'ignore' })
  try {
    const asked = async (variables: object, secret = key) => {
      const body = JSON.stringify({ call_id: 'one', variables })
      const mac = createHmac('sha256', secret).update(`m.1.${body}`).digest('base64')
      const headers = { 'webhook-id': 'm', 'webhook-timestamp': '1', 'webhook-signature': `v1,${mac}` }
      return fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body })
    }
    await soon('the call centre', async () => {
      const answer = await asked({}, Buffer.alloc(32)).catch(() => undefined)
      return answer?.status === 401 || undefined
    })
    const told = async (variables: object) => {
      const list = actions.parse(await (await asked(variables)).json())
      expect(checkFlow(list)).toEqual([])
      return JSON.stringify(list)
    }
    expect(await told({})).toMatch(/Welcome.*"target_name":"office2"/)
    expect(await told({ 'voipbin.connect.result': 'busy' })).toMatch(/busy.*"target_name":"office1"/)
    expect(await told({ 'voipbin.connect.result': 'answered' })).toMatch(/^\[\{"id":"[^"]*","type":"hangup"/)
  } finally {
    server.kill()
    await rm(folder, { recursive: true })
  }
})
