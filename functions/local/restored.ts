import type { Pool } from 'pg'

/** So many changes there will not have been between a backup and the loss of what it was of. */
const CHANGES = 1_000_000

/**
 * Makes a database fit to serve which was put back from a backup (a dump, or a copy of an earlier time).
 *
 * Relays refuse versions below those they have: every customer gets a new one, above all which were given after the
 * backup was made. And a dump of the tables leaves out what is set on the database itself.
 */
export async function settleRestored(pool: Pool): Promise<{ version: number; customers: number }> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('set local statement_timeout = 0')
    for (const setting of ['jit = off', "statement_timeout = '20s'"]) await setOnDatabase(client, setting)
    await client.query('update configuration set version = version + $1', [CHANGES])
    const raised = await client.query('update customers set version = next_configuration_version()')
    const { rows } = await client.query('select version from configuration')
    await client.query('commit')
    return { version: Number(rows[0]?.version), customers: raised.rowCount ?? 0 }
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

/** As migrations 0008 and 0014 did: a role which is not the owner is told what the owner is to run. */
async function setOnDatabase(client: { query(text: string): Promise<unknown> }, setting: string) {
  const quoted = setting.replaceAll("'", "''")
  await client.query(`do $$ begin execute format('alter database %I set ${quoted}', current_database());
    exception when insufficient_privilege then
      raise notice 'Have the owner of the database run: ALTER DATABASE % SET ${quoted}', quote_ident(current_database());
    end $$`)
}
