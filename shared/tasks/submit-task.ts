import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Lane } from '../lanes/index.ts'
import type { Member } from '../tenants/index.ts'
import type { EstimateSource, FailureCode, Task } from './task.ts'
import { taskColumns } from './task-columns.ts'

/** A checked submission. `inputs` is the user's JSON text, to the letter. */
export type NewTask = {
  id: string
  name: string | undefined
  lane: Lane
  priority: number
  code: string
  handler: string
  inputs: { text: string } | { objectKey: string }
  /** Port to upload id. */
  files: Record<string, string>
  labels: Record<string, string>
  estimate: { seconds: number; source: EstimateSource }
  tier: string | undefined
  cpu: number
  memoryMb: number
  timeoutSeconds: number
  reuse: 'tenant' | 'never'
  maxAttempts: number
  /** Failures that are tried again besides the ones that always are. */
  retryOn: readonly FailureCode[]
}

export type Idempotency = { key: string; requestSha256: string }

export type Submitted = {
  task: Task
  /** True when an earlier request with the same key made the task. */
  replayed: boolean
}

const findByKey = async (sql: Sql, member: Member, idempotency: Idempotency): Promise<Task> => {
  const [row] = await sql<[Task & { requestSha256: string }]>`
    select ${taskColumns(sql)}, entry.request_sha256 as "requestSha256"
    from idempotency_keys entry
    join tasks task on task.id = entry.task_id
    where entry.tenant_id = ${member.tenantId}
      and entry.user_id = ${member.userId}
      and entry.key = ${idempotency.key}`
  const { requestSha256, ...task } = row
  if (requestSha256 !== idempotency.requestSha256) {
    throw new PlatformError(
      'IDEMPOTENCY_KEY_REUSED',
      `The Idempotency-Key was used for task ${task.id} with another body: use a new key for a new task.`,
    )
  }
  return task
}

/**
 * Records a task and its first event, in one statement and so in one transaction and one round trip.
 * With an idempotency key that was used before, by the same user for the same body, it answers the first task;
 * two requests with one key at the same moment make one task.
 *
 * @throws `IDEMPOTENCY_KEY_REUSED` when the key stands for another body
 */
export const submitTask = async (
  sql: Sql,
  member: Member,
  task: NewTask,
  idempotency?: Idempotency,
): Promise<Submitted> => {
  const key = idempotency?.key ?? null
  const [created] = await sql<Task[]>`
    with entry as (
      insert into idempotency_keys (tenant_id, user_id, key, request_sha256, task_id)
      select ${member.tenantId}::uuid, ${member.userId}::uuid, ${key}, ${idempotency?.requestSha256 ?? null}, ${task.id}::uuid
      where ${key}::text is not null
      on conflict do nothing
      returning task_id
    ), task as (
      insert into tasks (
        id, tenant_id, user_id, name, lane, priority, code, handler, inputs, inputs_s3_key, files, labels,
        estimated_seconds, estimate_source, tier, cpu, memory_mb, timeout_seconds, reuse, max_attempts, retry_on
      )
      select
        ${task.id}::uuid, ${member.tenantId}::uuid, ${member.userId}::uuid, ${task.name ?? null}, ${task.lane},
        ${task.priority}::smallint, ${task.code}, ${task.handler},
        ${'text' in task.inputs ? task.inputs.text : null}::json,
        ${'objectKey' in task.inputs ? task.inputs.objectKey : null},
        ${sql.json(task.files)}::jsonb, ${sql.json(task.labels)}::jsonb,
        ${task.estimate.seconds}::double precision, ${task.estimate.source}, ${task.tier ?? null},
        ${task.cpu}::double precision, ${task.memoryMb}::integer, ${task.timeoutSeconds}::double precision,
        ${task.reuse}, ${task.maxAttempts}::smallint, ${[...task.retryOn]}::text[]
      where ${key}::text is null or exists (select from entry)
      returning *
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.queued', json_build_object('lane', lane) from task
    )
    select ${taskColumns(sql)} from task`
  if (created) return { task: created, replayed: false }
  if (!idempotency) throw new Error('a submission without a key made no task')
  return { task: await findByKey(sql, member, idempotency), replayed: true }
}
