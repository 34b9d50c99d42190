import { readSettings } from '../../functions/env.ts'
import { sealWith } from '../../functions/secrets.ts'
import type { App } from './app.ts'

/** A PBX of a customer, written straight into the database: `pbx` is its username, `md5 of {domain}` its HA1. */
export async function newTrunk(app: App, customerId: string, domain: string, authTypes: string[]) {
  const id = crypto.randomUUID()
  const seal = sealWith(readSettings(app.env).SEAL_KEYS)
  const closed = (field: string, secret: string) => seal.close({ table: 'trunks', id, field }, secret)
  await app.database.pool.query(
    `insert into trunks (id, customer_id, domain_name, auth_types, username, sealed_md5, sealed_sha256)
     values ($1, $2, $3, $4, 'pbx', $5, $6)`,
    [
      id,
      customerId,
      domain,
      authTypes,
      await closed('ha1_md5', `md5 of ${domain}`),
      await closed('ha1_sha256', `sha256 of ${domain}`),
    ],
  )
  return { id }
}
