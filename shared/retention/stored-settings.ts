import type { Sql } from '../database/index.ts'
import type { RetentionPatch, TenantRetention } from './settings.ts'

const columns = (sql: Sql) => sql`
  own.results_days, own.artifacts_days, own.logs_days, own.events_days, own.tasks_days, own.uploads_days,
  own.idempotency_keys_days`

/** What a tenant has set of its retention. */
export const readSettings = async (sql: Sql, tenantId: string): Promise<Partial<TenantRetention>> => {
  const [row] = await sql<TenantRetention[]>`
    select ${columns(sql)} from retention_settings own where own.tenant_id = ${tenantId}`
  return row ?? {}
}

/** What every tenant has set of its retention. */
export const readAllSettings = async (sql: Sql): Promise<(TenantRetention & { tenantId: string })[]> =>
  await sql<(TenantRetention & { tenantId: string })[]>`
    select tenant.id as "tenantId", ${columns(sql)}
    from tenants tenant
    left join retention_settings own on own.tenant_id = tenant.id`

/** Sets what is named, takes back what is null, and leaves the rest. */
export const changeSettings = async (sql: Sql, tenantId: string, patch: RetentionPatch): Promise<void> => {
  if (Object.keys(patch).length === 0) return
  await sql`
    insert into retention_settings ${sql({ tenant_id: tenantId, ...patch })}
    on conflict (tenant_id) do update
    set ${sql(patch)}, updated_at = now()`
}
