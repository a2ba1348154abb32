import type { Sql, Statements } from '../database/index.ts'
import { type KeptKind, removeKept } from './remove-kept.ts'
import type { Task } from './task.ts'

/** How long a tenant keeps one kind of its ended tasks' things. */
export type KeptPeriod = { tenantId: string; kind: KeptKind; days: number }

const MAX_ROWS = 10_000

/** Of these periods, those of which something is overdue. Costs a look into an index each, whatever has been kept. */
export const findOverdue = async (sql: Sql, periods: readonly KeptPeriod[]): Promise<KeptPeriod[]> =>
  await sql<KeptPeriod[]>`
    select period.tenant_id as "tenantId", period.kind, period.days
    from unnest(
      ${periods.map(({ tenantId }) => tenantId)}::uuid[],
      ${periods.map(({ kind }) => kind)}::text[],
      ${periods.map(({ days }) => days)}::integer[]
    ) as period (tenant_id, kind, days)
    left join retention_marks mark on mark.tenant_id = period.tenant_id and mark.kind = period.kind
    where exists (
      select from tasks task
      where task.tenant_id = period.tenant_id
        and task.completed_at < now() - make_interval(days => period.days)
        and (task.completed_at, task.id) > (
          coalesce(mark.ended_at, '-infinity'), coalesce(mark.task_id, '00000000-0000-0000-0000-000000000000')
        )
    )`

/**
 * Removes what is overdue of the `batch` tasks of a period that ended first, and moves the tenant's mark past them, in
 * one transaction. Another janitor that is at the same period is left to it.
 *
 * @param forgetObjects - called in the transaction with the objects that lose their names by it
 * @returns how many tasks were looked after
 */
export const removeOverdue = async (
  sql: Sql,
  { tenantId, kind, days }: KeptPeriod,
  batch: number,
  forgetObjects: (sql: Statements, tenantId: string, objectKeys: readonly string[]) => Promise<void>,
): Promise<number> => {
  await sql`
    insert into retention_marks (tenant_id, kind) values (${tenantId}, ${kind}) on conflict do nothing`
  return await sql.begin(async (transaction) => {
    const overdue = await transaction<{ id: string; endedAt: string }[]>`
      with mark as materialized (
        select ended_at, task_id from retention_marks
        where tenant_id = ${tenantId} and kind = ${kind}
        for update skip locked
      )
      -- The time as text: a JavaScript date would lose its microseconds.
      select task.id, task.completed_at::text as "endedAt"
      from tasks task
      where task.tenant_id = ${tenantId}
        and task.completed_at < now() - make_interval(days => ${days})
        and (task.completed_at, task.id) > ((select ended_at from mark), (select task_id from mark))
      order by task.completed_at, task.id
      limit ${batch}`
    const last = overdue.at(-1)
    if (!last) return 0
    const { objectKeys, complete } = await removeKept[kind](
      transaction,
      overdue.map(({ id }) => id),
      MAX_ROWS,
    )
    await forgetObjects(transaction, tenantId, objectKeys)
    if (complete) {
      await transaction`
        update retention_marks
        set ended_at = ${last.endedAt}::text::timestamptz, task_id = ${last.id}
        where tenant_id = ${tenantId} and kind = ${kind}`
    }
    return overdue.length
  })
}

/** Whether what a task left of this kind has been removed because its time was over. */
export const wasRemoved = async (sql: Sql, task: Task, kind: KeptKind): Promise<boolean> => {
  const rows = await sql`
    select
    from tasks task
    join retention_marks mark on mark.tenant_id = task.tenant_id and mark.kind = ${kind}
    where task.id = ${task.id} and (task.completed_at, task.id) <= (mark.ended_at, mark.task_id)`
  return rows.length > 0
}

/** Removes idempotency keys that are older than their tenant keeps them, `limit` at most. @returns how many */
export const removeOverdueKeys = async (
  sql: Sql,
  periods: readonly { tenantId: string; days: number }[],
  limit: number,
): Promise<number> => {
  const { count } = await sql`
    delete from idempotency_keys
    where ctid = any (array(
      select old.ctid
      from unnest(
        ${periods.map(({ tenantId }) => tenantId)}::uuid[],
        ${periods.map(({ days }) => days)}::integer[]
      ) as period (tenant_id, days)
      cross join lateral (
        select ctid from idempotency_keys
        where tenant_id = period.tenant_id
          -- Ids are in the order of time, by the gateways' clocks: a way to the oldest. The database's clock decides.
          and task_id < first_id_at(now() - make_interval(days => period.days))
          and created_at < now() - make_interval(days => period.days)
        order by task_id
        limit ${limit}
      ) old
      limit ${limit}
    ))`
  return count
}
