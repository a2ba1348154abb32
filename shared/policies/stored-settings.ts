import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Member } from '../tenants/index.ts'
import type { PolicySettings } from './settings.ts'

const MAX_TRIES = 20

/** What a tenant's administrators set. */
export const readSettings = async (sql: Sql, tenantId: string): Promise<PolicySettings> => {
  const [row] = await sql<{ settings: PolicySettings }[]>`
    select settings from tenant_policies where tenant_id = ${tenantId}`
  return row?.settings ?? {}
}

/**
 * Changes a tenant's settings. Of two changes at one moment the second sees the first: it is written only over what was
 * read, and else made again.
 */
export const changeSettings = async (
  sql: Sql,
  { tenantId, userId }: Member,
  change: (current: PolicySettings) => PolicySettings,
): Promise<PolicySettings> => {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const current = await readSettings(sql, tenantId)
    const settings = change(current)
    const written = await sql`
      insert into tenant_policies as policy (tenant_id, settings, updated_by)
      values (${tenantId}, ${sql.json(settings)}, ${userId})
      on conflict (tenant_id) do update
      set settings = excluded.settings, updated_at = now(), updated_by = excluded.updated_by
      where policy.settings = ${sql.json(current)}`
    if (written.count > 0) return settings
  }
  throw new PlatformError('CONFLICT', 'The policy was changed again and again meanwhile: try once more.')
}
