import type { Sql } from '../database/index.ts'
import type { TaskStatus } from './task.ts'

/**
 * Ends a waiting task at once, or asks for a running one to be stopped; an ended task stays as it is.
 *
 * @returns the status after the call (`running` until its worker has stopped it), `undefined` for no such task
 */
export const cancelTask = async (sql: Sql, tenantId: string, id: string): Promise<TaskStatus | undefined> => {
  const [row] = await sql<{ status: TaskStatus }[]>`
    with task as (
      update tasks
      set
        status = case status when 'queued' then 'cancelled' else status end,
        completed_at = case status when 'queued' then now() else completed_at end,
        cancel_requested_at = coalesce(cancel_requested_at, now())
      where id = ${id} and tenant_id = ${tenantId} and status in ('queued', 'running')
      returning *
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.cancelled', '{}' from task where status = 'cancelled'
    )
    select status from task
    union all
    select status from tasks
    where id = ${id} and tenant_id = ${tenantId} and status not in ('queued', 'running')`
  return row?.status
}
