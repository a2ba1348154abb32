import type { Sql } from '../database/index.ts'
import type { Lane } from './lane.ts'

/** Steps from tenant to tenant along the index instead of reading a million turns. */
const findForgottenTenants = async (sql: Sql, lane: Lane): Promise<string[]> => {
  const rows = await sql<{ tenantId: string }[]>`
    with recursive tenant as (
      (select tenant_id from turns where lane = ${lane} and stage = 'waiting' order by tenant_id limit 1)
      union all
      select (
        select tenant_id from turns
        where lane = ${lane} and stage = 'waiting' and tenant_id > tenant.tenant_id
        order by tenant_id
        limit 1
      )
      from tenant
      where tenant_id is not null
    )
    select tenant_id as "tenantId"
    from tenant
    where tenant_id is not null
      and not exists (select from lane_shares share where share.lane = ${lane} and share.tenant_id = tenant.tenant_id and active)`
  return rows.map(({ tenantId }) => tenantId)
}

const findForgottenKeys = async (sql: Sql): Promise<{ tenantId: string; key: string }[]> =>
  await sql<{ tenantId: string; key: string }[]>`
    with recursive parked as (
      (
        select tenant_id, concurrency_key, concurrency_limit from turns
        where stage = 'parked'
        order by tenant_id, concurrency_key
        limit 1
      )
      union all
      select next.*
      from parked
      cross join lateral (
        select tenant_id, concurrency_key, concurrency_limit from turns
        where stage = 'parked'
          and (tenant_id, concurrency_key) > (parked.tenant_id, parked.concurrency_key)
        order by tenant_id, concurrency_key
        limit 1
      ) next
    )
    select tenant_id as "tenantId", concurrency_key as key
    from parked
    where concurrency_limit > (
      select count(*) from turns holder
      where holder.tenant_id = parked.tenant_id and holder.concurrency_key = parked.concurrency_key
        and holder.stage in ('admitted', 'running')
    )`

/**
 * What could go on and does not, because the process that should have said so died before it did: tenants whose
 * waiting tasks no dispatcher looks at, and parked tasks whose concurrency key is free.
 */
export const findSleepers = async (sql: Sql, lane: Lane) => ({
  tenantIds: await findForgottenTenants(sql, lane),
  freedKeys: await findForgottenKeys(sql),
})

export type AdmittedTask = { taskId: string; attempt: number; lane: Lane }

/** Admitted tasks that no worker has claimed for a while: their hint may be lost, with the queue or on the way there. */
export const takeUnclaimed = async (
  sql: Sql,
  options: { olderThanSeconds: number; limit: number },
): Promise<AdmittedTask[]> =>
  await sql<AdmittedTask[]>`
    with stale as (
      select task_id from turns
      where stage = 'admitted' and announced_at < now() - make_interval(secs => ${options.olderThanSeconds})
      order by admission
      limit ${options.limit}
      for update skip locked
    )
    update turns
    set announced_at = now()
    from stale
    where turns.task_id = stale.task_id
    returning turns.task_id as "taskId", turns.attempt, turns.lane`
