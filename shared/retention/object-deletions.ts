import type { Sql, Statements } from '../database/index.ts'
import type { ObjectStore } from '../storage/index.ts'
import { findTaskOfInputs } from '../tasks/index.ts'

/** Longer than the longest signed URL lives: who was given one just now can still use it. */
const KEPT_FOR = '20 minutes'
/** A store that refused is asked again after this. */
const RETRY_AFTER = '1 minute'

/**
 * Notes that objects are to be deleted; called in the transaction that takes their last name away. So no row ever names
 * an object that is gone, and no object is forgotten, wherever a process dies.
 */
export const forgetObjects = async (
  sql: Statements,
  tenantId: string,
  objectKeys: readonly string[],
): Promise<void> => {
  if (objectKeys.length === 0) return
  await sql`
    insert into object_deletions (object_key, tenant_id, due_at)
    select key, ${tenantId}, now() + ${KEPT_FOR}::interval from unnest(${objectKeys}::text[]) as key
    on conflict do nothing`
}

/** Takes what is due in hand for a while; what a task names after all (the inputs of one replayed) is crossed off. */
const takeDue = async (sql: Sql, limit: number): Promise<string[]> => {
  const rows = await sql<{ objectKey: string }[]>`
    with due as materialized (
      select object_key
      from object_deletions
      where due_at <= now()
      order by due_at
      limit ${limit}
      for update skip locked
    ), named as materialized (
      select due.object_key from due cross join lateral (${findTaskOfInputs(sql, 'due.object_key')}) task
    ), kept as (
      delete from object_deletions where object_key = any (array(select object_key from named))
    )
    update object_deletions
    set due_at = now() + ${RETRY_AFTER}::interval
    where object_key = any (array(select object_key from due except select object_key from named))
    returning object_key as "objectKey"`
  return rows.map(({ objectKey }) => objectKey)
}

/**
 * Deletes objects that are due. Those that the store does not delete now stay noted, and are tried again.
 *
 * @returns how many are gone
 */
export const deleteDueObjects = async (sql: Sql, store: ObjectStore, limit: number): Promise<number> => {
  const keys = await takeDue(sql, limit)
  if (keys.length === 0) return 0
  await store.delete(keys)
  await sql`delete from object_deletions where object_key = any (${keys}::text[])`
  return keys.length
}
