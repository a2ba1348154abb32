import type { Sql } from '../database/index.ts'
import { type ObjectStore, parseKey, tenantPrefix } from '../storage/index.ts'
import { findUnnamedObjects } from '../tasks/index.ts'
import { forgetObjects } from './object-deletions.ts'
import { findUnnamedUploads } from './remove-uploads.ts'

/** What S3 lists with one request. */
const KEYS_AT_ONCE = 1_000

/** Claims the tenant whose search is due longest, for an hour: should this process die, another one searches then. */
const takeTenant = async (sql: Sql): Promise<string | undefined> => {
  await sql`
    insert into object_searches (tenant_id, due_at)
    -- Spread over the day, so that not all tenants are searched at one moment.
    select id, now() + random() * interval '1 day'
    from tenants
    where not exists (select from object_searches search where search.tenant_id = tenants.id)
    on conflict do nothing`
  const [row] = await sql<{ tenantId: string }[]>`
    update object_searches
    set due_at = now() + interval '1 hour'
    where tenant_id = (
      select tenant_id from object_searches where due_at <= now() order by due_at limit 1 for update skip locked
    )
    returning tenant_id as "tenantId"`
  return row?.tenantId
}

/** Notes for deletion what no row names; keys that are none of ours stay. */
const judge = async (sql: Sql, tenantId: string, keys: readonly string[]): Promise<number> => {
  const parsed = keys.map((objectKey) => ({ objectKey, names: parseKey(objectKey) }))
  const ofTasks = parsed.flatMap(({ objectKey, names }) =>
    names?.kind === 'attempt' ? [{ objectKey, taskId: names.taskId }] : [],
  )
  const ofUploads = parsed.flatMap(({ objectKey, names }) =>
    names?.kind === 'upload' ? [{ objectKey, uploadId: names.uploadId }] : [],
  )
  const unnamed = [...(await findUnnamedObjects(sql, ofTasks)), ...(await findUnnamedUploads(sql, ofUploads))]
  await forgetObjects(sql, tenantId, unnamed)
  return unnamed.length
}

/**
 * Searches a tenant's part of the store, once a day each, for objects that no row names: left by attempts that lost
 * their worker, by gateways that died between an object and its row, by workers that woke after their task was gone.
 *
 * @returns how many were found where, or `undefined` when no tenant is due
 */
export const searchStore = async (
  sql: Sql,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<{ tenantId: string; found: number } | undefined> => {
  const tenantId = await takeTenant(sql)
  if (tenantId === undefined) return undefined
  let found = 0
  let keys: string[] = []
  for await (const { key } of store.list(tenantPrefix(tenantId))) {
    if (signal.aborted) return { tenantId, found }
    keys.push(key)
    if (keys.length < KEYS_AT_ONCE) continue
    found += await judge(sql, tenantId, keys)
    keys = []
  }
  found += await judge(sql, tenantId, keys)
  await sql`
    update object_searches set due_at = now() + interval '1 day' where tenant_id = ${tenantId}`
  return { tenantId, found }
}
