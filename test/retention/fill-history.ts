import type { Sql } from '../../shared/database/index.ts'

/** Gives the tasks that `fillTasks` made what tasks leave: attempts, events, logs, artifacts, keys, uploads. Analyzed. */
export const fillHistory = async (sql: Sql): Promise<void> => {
  await sql`
    insert into attempts (task_id, number, tenant_id, worker, ended_at, outcome, result, result_s3_key)
    select
      id, 1, tenant_id, 'worker', completed_at, status, case when ordinal % 50 <> 0 then '{"result":1}'::json end,
      case when ordinal % 50 = 0 then 'tenants/' || tenant_id || '/tasks/' || id || '/attempts/1/outputs/result.json' end
    from (select *, row_number() over (order by id) as ordinal from tasks where completed_at is not null and attempt = 0) ended`
  await sql`
    insert into events (tenant_id, task_id, type, data, created_at)
    select tenant_id, id, type, '{}', created_at
    from tasks
    cross join lateral (values ('task.queued'), ('task.running'), ('task.' || status)) as event (type)
    where completed_at is not null and attempt = 0
    order by created_at`
  await sql`
    insert into log_chunks (task_id, attempt, index, tenant_id, kind, chunk)
    select task_id, 1, 0, tenant_id, 'stdout', 'printed' from attempts where worker = 'worker'`
  await sql`
    insert into artifacts (task_id, attempt, tenant_id, kind, name, object_key, size_bytes, sha256)
    select task_id, 1, tenant_id, 'artifact', 'plot.png', 'tenants/' || tenant_id || '/tasks/' || task_id || '/plot.png', 1, 'x'
    from attempts where worker = 'worker' and outcome = 'completed'`
  await sql`
    insert into idempotency_keys (tenant_id, user_id, key, request_sha256, task_id, created_at)
    select tenant_id, user_id, id::text, 'x', id, created_at from tasks`
  await sql`
    insert into uploads (id, tenant_id, user_id, filename, content_type, size_bytes, object_key, expires_at)
    select gen_random_uuid(), tenant_id, user_id, 'mesh.inp', 'text/plain', 1, 'tenants/' || tenant_id || '/uploads/' || id, created_at
    from tasks
    order by created_at
    limit 20000`
  await sql`
    update tasks set files = jsonb_build_object('mesh', upload.id)
    from (select id, row_number() over () as place from uploads limit 1000) upload
    join (select id, row_number() over () as place from tasks where status = 'queued' limit 1000) task using (place)
    where tasks.id = task.id`
  await sql`
    insert into turns (task_id, lane, tenant_id, stage, admission, turn_at, charge)
    select
      id, lane, tenant_id, case status when 'queued' then 'waiting' else 'running' end,
      case status when 'running' then 0 end, created_at, 30
    from tasks
    where status in ('queued', 'running')`
  await sql`
    insert into object_deletions (object_key, tenant_id, due_at)
    select 'tenants/' || tenant_id || '/tasks/' || id || '/attempts/1/logs/old', tenant_id, created_at from tasks`
  await sql.unsafe('vacuum analyze')
}
