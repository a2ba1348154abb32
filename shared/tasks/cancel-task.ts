import type { Sql } from '../database/index.ts'
import type { Lane } from '../lanes/index.ts'
import { type TaskFilter, whereTask } from './read-tasks.ts'
import type { TaskStatus } from './task.ts'

export type Cancelled = {
  id: string
  /** `running` until its worker has stopped it. */
  status: TaskStatus
  lane: Lane
  tenantId: string
  concurrencyKey: string | null
}

/**
 * Ends waiting tasks at once, and asks for running ones to be stopped; ended tasks stay as they are.
 * The turns come first, as everywhere, so that a worker that claims and a user who cancels never wait for each other.
 *
 * @returns the tasks that were not ended before, as they are after the call
 */
export const cancelTasks = async (sql: Sql, tenantId: string, ids: readonly string[]): Promise<Cancelled[]> =>
  await sql<Cancelled[]>`
    with turn as materialized (
      select task_id from turns
      where task_id = any(${ids}::uuid[]) and tenant_id = ${tenantId}
      order by task_id
      for update
    ), task as (
      update tasks
      set
        status = case status when 'queued' then 'cancelled' else status end,
        completed_at = case status when 'queued' then now() else completed_at end,
        cancel_requested_at = coalesce(cancel_requested_at, now())
      from turn
      where tasks.id = turn.task_id and status in ('queued', 'running')
      returning tasks.*
    ), gone as (
      delete from turns using task where turns.task_id = task.id and task.status = 'cancelled'
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.cancelled', '{}' from task where status = 'cancelled'
    )
    select id, status, lane, tenant_id as "tenantId", concurrency_key as "concurrencyKey" from task`

/** The ids of unfinished tasks that a filter finds, oldest first, above the id `after`. */
export const findUnfinished = async (
  sql: Sql,
  tenantId: string,
  filter: TaskFilter,
  page: { after?: string; limit: number },
): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`
    select task.id
    from tasks task
    where task.status in ('queued', 'running') and ${whereTask(sql, tenantId, filter)}
      ${page.after ? sql`and task.id > ${page.after}` : sql``}
    order by task.id
    limit ${page.limit}`
  return rows.map(({ id }) => id)
}

export type Expired = Omit<Cancelled, 'status'>

/** Ends waiting tasks that are of no use any more. */
export const expireTasks = async (sql: Sql, limit: number): Promise<Expired[]> =>
  await sql<Expired[]>`
    with turn as materialized (
      select task_id from turns
      where expires_at <= now() and stage <> 'running'
      order by expires_at
      limit ${limit}
      for update skip locked
    ), task as (
      update tasks
      set
        status = 'failed',
        completed_at = now(),
        failure_code = 'expired',
        error_message = 'It had not started when it expired, at ' || to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '.'
      from turn
      where tasks.id = turn.task_id and status = 'queued'
      returning tasks.*
    ), gone as (
      delete from turns using task where turns.task_id = task.id
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.failed', json_build_object('failure_code', failure_code, 'error_message', error_message)
      from task
    )
    select id, lane, tenant_id as "tenantId", concurrency_key as "concurrencyKey" from task`
