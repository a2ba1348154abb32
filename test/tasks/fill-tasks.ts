import type { Sql } from '../../shared/database/index.ts'
import { createMember } from './new-task.ts'

/**
 * Tasks of several tenants over the last hundred days, as many of each status, lane, function and label as an installation
 * has: most have completed, few are dead letters, very few run. Analyzed, as by autovacuum.
 *
 * @returns the tenants' ids
 */
export const fillTasks = async (
  sql: Sql,
  { tenants, tasksEach }: { tenants: number; tasksEach: number },
): Promise<string[]> => {
  const members = []
  for (let index = 0; index < tenants; index += 1) members.push(await createMember(sql, `tenant-${index}`))
  await sql`
    with member as (
      select * from unnest(
        ${members.map((member) => member.tenantId)}::uuid[], ${members.map((member) => member.userId)}::uuid[]
      ) with ordinality as member (tenant_id, user_id, place)
    ), draft as (
      select
        member.*, number, created_at,
        -- Ids as gateways make them: by time, and random at the end.
        overlay(first_id_at(created_at)::text placing right(gen_random_uuid()::text, 12) from 25)::uuid as id,
        case
          when number % 1000 < 5 then 'queued'
          when number % 1000 < 7 then 'running'
          when number % 1000 < 60 then 'failed'
          when number % 1000 < 80 then 'cancelled'
          else 'completed'
        end as status
      from generate_series(0, ${tenants * tasksEach - 1}::integer) as number
      join member on member.place = number % ${tenants} + 1
      cross join lateral (select now() - interval '100 days' * (1 - number::float / ${tenants * tasksEach}::float) as created_at) times
      order by number
    )
    insert into tasks (
      id, tenant_id, user_id, status, lane, code, handler, inputs, labels, estimated_seconds, estimate_source, cpu,
      memory_mb, timeout_seconds, created_at, completed_at, failure_code, dead_reason, lease, lease_expires_at
    )
    select
      id, tenant_id, user_id, status,
      case when number % 500 = 0 then 'long_running' when number % 3 = 0 then 'high_priority' else 'default' end,
      'def f(): pass', 'handler_' || number % 40, '{}',
      json_build_object('stage', case when number % 4 = 0 then 'test' else 'live' end, 'run', (number % 2000)::text),
      30, 'tier', 1, 512, 60, created_at,
      case when status in ('completed', 'failed', 'cancelled') then created_at + interval '5 minutes' end,
      case when status = 'failed' then case when number % 1000 < 9 then 'worker_lost' else 'user_error' end end,
      case when status = 'failed' and number % 1000 < 9 then 'attempts_exhausted' end,
      case when status = 'running' then gen_random_uuid() end,
      case when status = 'running' then now() + interval '1 hour' end
    from draft`
  await sql`
    insert into task_labels (tenant_id, name, value, task_id)
    select tenant_id, key, value, id from tasks, jsonb_each_text(labels)`
  await sql.unsafe('vacuum analyze tasks, task_labels')
  return members.map(({ tenantId }) => tenantId)
}
