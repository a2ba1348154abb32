import type { Sql } from '../database/index.ts'
import type { Member } from '../tenants/index.ts'
import type { PolicySettings } from './settings.ts'

/** What a tenant's administrators set. */
export const readSettings = async (sql: Sql, tenantId: string): Promise<PolicySettings> => {
  const [row] = await sql<{ settings: PolicySettings }[]>`
    select settings from tenant_policies where tenant_id = ${tenantId}`
  return row?.settings ?? {}
}

/** Changes a tenant's settings; of two changes at one moment, the second sees the first. */
export const changeSettings = async (
  sql: Sql,
  { tenantId, userId }: Member,
  change: (current: PolicySettings) => PolicySettings,
): Promise<PolicySettings> =>
  await sql.begin(async (transaction) => {
    await transaction`
      insert into tenant_policies (tenant_id, settings, updated_by)
      values (${tenantId}, '{}', ${userId})
      on conflict do nothing`
    const [row] = await transaction<[{ settings: PolicySettings }]>`
      select settings from tenant_policies where tenant_id = ${tenantId} for update`
    const settings = change(row.settings)
    await transaction`
      update tenant_policies
      set settings = ${transaction.json(settings)}, updated_at = now(), updated_by = ${userId}
      where tenant_id = ${tenantId}`
    return settings
  })
