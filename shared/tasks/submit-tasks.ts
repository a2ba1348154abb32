import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Lane } from '../lanes/index.ts'
import type { Finding } from '../prechecks/index.ts'
import type { SandboxLevel } from '../sandbox/index.ts'
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
  /** Checked lines of requirements; none: the default environment. */
  requirements: readonly string[]
  /** What the tenant's policy says: the weakest sandbox that may run it, and whether RestrictedPython compiles it first. */
  sandboxFloor: SandboxLevel
  restrictedPython: boolean
  warnings: readonly Finding[]
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

export type TaskSubmission = { member: Member; task: NewTask; idempotency?: Idempotency }

export type Submitted = {
  task: Task
  /** True when an earlier request with the same key made the task. */
  replayed: boolean
}

const findByKey = async (
  sql: Sql,
  member: Member,
  idempotency: Idempotency,
): Promise<Submitted | PlatformError> => {
  const [row] = await sql<[Task & { requestSha256: string }]>`
    select ${taskColumns(sql)}, entry.request_sha256 as "requestSha256"
    from idempotency_keys entry
    join tasks task on task.id = entry.task_id
    where entry.tenant_id = ${member.tenantId}
      and entry.user_id = ${member.userId}
      and entry.key = ${idempotency.key}`
  const { requestSha256, ...task } = row
  if (requestSha256 === idempotency.requestSha256) return { task, replayed: true }
  return new PlatformError(
    'IDEMPOTENCY_KEY_REUSED',
    `The Idempotency-Key was used for task ${task.id} with another body: use a new key for a new task.`,
  )
}

/**
 * Records tasks with their first events and idempotency keys, any number of them in one statement, and so in one
 * transaction and one round trip. A key that was used before, by the same user for the same body, answers its first
 * task; two requests with one key at the same moment make one task.
 *
 * @returns a verdict for each submission, in order; the error is `IDEMPOTENCY_KEY_REUSED`: the key stands for another body
 */
export const submitTasks = async (
  sql: Sql,
  submissions: readonly TaskSubmission[],
): Promise<(Submitted | PlatformError)[]> => {
  const column = <T>(read: (submission: TaskSubmission) => T) => submissions.map(read)
  const created = await sql<Task[]>`
    with submission as (
      select * from unnest(
        ${column(({ task }) => task.id)}::uuid[],
        ${column(({ member }) => member.tenantId)}::uuid[],
        ${column(({ member }) => member.userId)}::uuid[],
        ${column(({ idempotency }) => idempotency?.key ?? null)}::text[],
        ${column(({ idempotency }) => idempotency?.requestSha256 ?? null)}::text[],
        ${column(({ task }) => task.name ?? null)}::text[],
        ${column(({ task }) => task.lane)}::text[],
        ${column(({ task }) => task.priority)}::smallint[],
        ${column(({ task }) => task.code)}::text[],
        ${column(({ task }) => task.handler)}::text[],
        ${column(({ task }) => ('text' in task.inputs ? task.inputs.text : null))}::text[],
        ${column(({ task }) => ('objectKey' in task.inputs ? task.inputs.objectKey : null))}::text[],
        ${column(({ task }) => JSON.stringify(task.files))}::text[],
        ${column(({ task }) => JSON.stringify(task.labels))}::text[],
        ${column(({ task }) => task.estimate.seconds)}::double precision[],
        ${column(({ task }) => task.estimate.source)}::text[],
        ${column(({ task }) => task.tier ?? null)}::text[],
        ${column(({ task }) => task.cpu)}::double precision[],
        ${column(({ task }) => task.memoryMb)}::integer[],
        ${column(({ task }) => task.timeoutSeconds)}::double precision[],
        ${column(({ task }) => task.reuse)}::text[],
        ${column(({ task }) => task.maxAttempts)}::smallint[],
        ${column(({ task }) => task.retryOn.join(','))}::text[],
        ${column(({ task }) => task.requirements.join('\n'))}::text[],
        ${column(({ task }) => task.sandboxFloor)}::text[],
        ${column(({ task }) => String(task.restrictedPython))}::text[],
        ${column(({ task }) => JSON.stringify(task.warnings))}::text[]
      ) as submission (
        id, tenant_id, user_id, key, request_sha256, name, lane, priority, code, handler, inputs, inputs_s3_key,
        files, labels, estimated_seconds, estimate_source, tier, cpu, memory_mb, timeout_seconds, reuse, max_attempts,
        retry_on, requirements, sandbox_floor, restricted_python, warnings
      )
    ), entry as (
      insert into idempotency_keys (tenant_id, user_id, key, request_sha256, task_id)
      select tenant_id, user_id, key, request_sha256, id from submission where key is not null
      on conflict do nothing
      returning task_id
    ), task as (
      insert into tasks (
        id, tenant_id, user_id, name, lane, priority, code, handler, inputs, inputs_s3_key, files, labels,
        estimated_seconds, estimate_source, tier, cpu, memory_mb, timeout_seconds, reuse, max_attempts, retry_on,
        requirements, sandbox_floor, restricted_python, warnings
      )
      select
        id, tenant_id, user_id, name, lane, priority, code, handler, inputs::json, inputs_s3_key, files::jsonb,
        labels::jsonb, estimated_seconds, estimate_source, tier, cpu, memory_mb, timeout_seconds, reuse, max_attempts,
        string_to_array(retry_on, ','), string_to_array(requirements, chr(10)),
        sandbox_floor, restricted_python::boolean, warnings::jsonb
      from submission
      where key is null or id in (select task_id from entry)
      returning *
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.queued', json_build_object('lane', lane) from task
    )
    select ${taskColumns(sql)} from task`
  const tasks = new Map(created.map((task) => [task.id, task]))
  return await Promise.all(
    submissions.map(async ({ member, task: { id }, idempotency }) => {
      const task = tasks.get(id)
      if (task) return { task, replayed: false }
      if (!idempotency) throw new Error('a submission without a key made no task')
      return await findByKey(sql, member, idempotency)
    }),
  )
}
