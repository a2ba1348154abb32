import type { Sql } from '../database/index.ts'
import { createId } from '../id.ts'
import type { Policy } from '../policies/index.ts'
import type { Member } from '../tenants/index.ts'
import type { Task } from './task.ts'
import { taskColumns } from './task-columns.ts'

/**
 * Runs ended tasks again, each as a new task with what the old one was given: the old one has had its one end, and
 * whoever was told of it need not be told otherwise. A dead letter is replayed once: its `dead_reason` goes.
 *
 * @param policy - what holds for the tenant now: its walls are not those of the day when the old task was submitted
 * @returns the new tasks; ids of tasks that have not ended, or are not the tenant's, make none
 */
export const replayTasks = async (
  sql: Sql,
  member: Member,
  ids: readonly string[],
  policy: Policy,
): Promise<Task[]> =>
  await sql<Task[]>`
    with wanted as (
      select * from unnest(${ids}::uuid[], ${ids.map(() => createId())}::uuid[]) as wanted (old_id, new_id)
    ), old as (
      update tasks
      set dead_reason = null
      from wanted
      where tasks.id = wanted.old_id and tenant_id = ${member.tenantId}
        and status in ('completed', 'failed', 'cancelled')
      returning tasks.*, wanted.new_id
    ), task as (
      insert into tasks (
        id, tenant_id, user_id, name, lane, priority, code, handler, inputs, inputs_s3_key, files, labels,
        estimated_seconds, estimate_source, tier, cpu, memory_mb, timeout_seconds, reuse, repeatable, max_attempts,
        retry_on, retry_backoff_seconds, concurrency_key, concurrency_limit, replay_of, requirements,
        function_key, input_bytes, expected_seconds, sandbox_floor, restricted_python, warnings
      )
      select
        new_id, tenant_id, ${member.userId}, name, lane, priority, code, handler, inputs, inputs_s3_key, files, labels,
        estimated_seconds, estimate_source, tier, cpu, memory_mb, timeout_seconds,
        case ${policy.reuse} when 'never' then 'never' else reuse end, repeatable, max_attempts,
        retry_on, retry_backoff_seconds, concurrency_key, concurrency_limit, id, requirements,
        function_key, input_bytes, expected_seconds, ${policy.sandboxFloor}, ${policy.prechecks.restrictedPython}, warnings
      from old
      returning *
    ), turn as (
      insert into turns (task_id, lane, tenant_id, stage, turn_at, concurrency_key, concurrency_limit, charge, sandbox_floor)
      select
        id, lane, tenant_id, 'waiting', now() - make_interval(secs => priority * head_start_seconds),
        concurrency_key, concurrency_limit, expected_seconds, sandbox_floor
      from task
      join lanes on lanes.name = task.lane
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.queued', json_build_object('lane', lane, 'replay_of', replay_of) from task
    )
    select ${taskColumns(sql)} from task order by id`
