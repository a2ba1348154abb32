import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Estimate } from '../estimates/index.ts'
import type { Lane } from '../lanes/index.ts'
import type { Finding } from '../prechecks/index.ts'
import type { SandboxLevel } from '../sandbox/index.ts'
import type { Member } from '../tenants/index.ts'
import type { FailureCode, Task } from './task.ts'
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
  /** Which function it is, for learning how long it runs. */
  functionKey: string
  /** Inputs and input files together. */
  inputBytes: number
  estimate: Pick<Estimate, 'seconds' | 'expectedSeconds' | 'source' | 'forecast'>
  tier: string | undefined
  cpu: number
  memoryMb: number
  timeoutSeconds: number
  reuse: 'tenant' | 'never'
  repeatable: boolean
  maxAttempts: number
  /** Failures that are tried again besides the ones that always are. */
  retryOn: readonly FailureCode[]
  retryBackoffSeconds: number | undefined
  /** Not before this. */
  runAt: Date | undefined
  /** Of no use when it has not started by then. */
  expiresAt: Date | undefined
  /** At most `limit` tasks of the tenant with this key are in hand at one moment. */
  concurrency: { key: string; limit: number } | undefined
  replayOf: string | undefined
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

/** The row as it was written: nothing is read back that the database did not decide. */
const asRecorded = ({ member, task }: TaskSubmission, createdAt: Date): Task => ({
  id: task.id,
  tenantId: member.tenantId,
  name: task.name ?? null,
  status: 'queued',
  lane: task.lane,
  priority: task.priority,
  handler: task.handler,
  requirements: [...task.requirements],
  warnings: [...task.warnings],
  labels: task.labels,
  estimatedSeconds: task.estimate.seconds,
  expectedSeconds: task.estimate.expectedSeconds,
  estimateSource: task.estimate.source,
  tier: task.tier ?? null,
  cpu: task.cpu,
  memoryMb: task.memoryMb,
  timeoutSeconds: task.timeoutSeconds,
  maxAttempts: task.maxAttempts,
  attempt: 0,
  returns: 0,
  repeatable: task.repeatable,
  runAt: task.runAt ?? null,
  expiresAt: task.expiresAt ?? null,
  concurrencyKey: task.concurrency?.key ?? null,
  concurrencyLimit: task.concurrency?.limit ?? null,
  cancelRequestedAt: null,
  progress: null,
  createdAt,
  startedAt: null,
  completedAt: null,
  runtimeSeconds: null,
  failureCode: null,
  errorMessage: null,
  deadReason: null,
  replayOf: task.replayOf ?? null,
})

/**
 * Records tasks with their turns, first events and idempotency keys, any number of them in one statement, and so in one
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
  const created = await sql<{ id: string; createdAt: Date }[]>`
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
        ${column(({ task }) => String(task.repeatable))}::text[],
        ${column(({ task }) => task.maxAttempts)}::smallint[],
        ${column(({ task }) => task.retryOn.join(','))}::text[],
        ${column(({ task }) => task.retryBackoffSeconds ?? null)}::double precision[],
        ${column(({ task }) => task.runAt?.toISOString() ?? null)}::text[],
        ${column(({ task }) => task.expiresAt?.toISOString() ?? null)}::text[],
        ${column(({ task }) => task.concurrency?.key ?? null)}::text[],
        ${column(({ task }) => task.concurrency?.limit ?? null)}::integer[],
        ${column(({ task }) => task.replayOf ?? null)}::uuid[],
        ${column(({ task }) => task.functionKey)}::text[],
        ${column(({ task }) => task.inputBytes)}::bigint[],
        ${column(({ task }) => task.estimate.expectedSeconds)}::double precision[],
        ${column(({ task }) => task.estimate.forecast?.by ?? null)}::text[],
        ${column(({ task }) => task.estimate.forecast?.seconds ?? null)}::double precision[],
        ${column(({ task }) => task.requirements.join('\n'))}::text[],
        ${column(({ task }) => task.sandboxFloor)}::text[],
        ${column(({ task }) => String(task.restrictedPython))}::text[],
        ${column(({ task }) => JSON.stringify(task.warnings))}::text[]
      ) as submission (
        id, tenant_id, user_id, key, request_sha256, name, lane, priority, code, handler, inputs, inputs_s3_key,
        files, labels, estimated_seconds, estimate_source, tier, cpu, memory_mb, timeout_seconds, reuse, repeatable,
        max_attempts, retry_on, retry_backoff_seconds, run_at, expires_at, concurrency_key, concurrency_limit, replay_of,
        function_key, input_bytes, expected_seconds, forecast_by, forecast_seconds, requirements, sandbox_floor,
        restricted_python, warnings
      )
    ), entry as (
      insert into idempotency_keys (tenant_id, user_id, key, request_sha256, task_id)
      select tenant_id, user_id, key, request_sha256, id from submission where key is not null
      on conflict do nothing
      returning task_id
    ), task as (
      insert into tasks (
        id, tenant_id, user_id, name, lane, priority, code, handler, inputs, inputs_s3_key, files, labels,
        estimated_seconds, estimate_source, tier, cpu, memory_mb, timeout_seconds, reuse, repeatable, max_attempts,
        retry_on, retry_backoff_seconds, run_at, expires_at, concurrency_key, concurrency_limit, replay_of,
        function_key, input_bytes, expected_seconds, forecast_by, forecast_seconds, requirements, sandbox_floor,
        restricted_python, warnings
      )
      select
        id, tenant_id, user_id, name, lane, priority, code, handler, inputs::json, inputs_s3_key, files::jsonb,
        labels::jsonb, estimated_seconds, estimate_source, tier, cpu, memory_mb, timeout_seconds, reuse, repeatable::boolean,
        max_attempts, string_to_array(retry_on, ','), retry_backoff_seconds, run_at::timestamptz,
        expires_at::timestamptz, concurrency_key, concurrency_limit, replay_of, function_key, input_bytes, expected_seconds,
        forecast_by, forecast_seconds, string_to_array(requirements, chr(10)), sandbox_floor,
        restricted_python::boolean, warnings::jsonb
      from submission
      where key is null or id in (select task_id from entry)
      returning
        id, tenant_id, lane, priority, expected_seconds, run_at, expires_at, concurrency_key, concurrency_limit,
        sandbox_floor, created_at
    ), turn as (
      insert into turns (
        task_id, lane, tenant_id, stage, turn_at, run_at, expires_at, concurrency_key, concurrency_limit, charge,
        sandbox_floor
      )
      select
        id, lane, tenant_id,
        case when run_at > now() then 'scheduled' else 'waiting' end,
        greatest(run_at, now()) - make_interval(secs => priority * head_start_seconds),
        run_at, expires_at, concurrency_key, concurrency_limit, expected_seconds, sandbox_floor
      from task
      join lanes on lanes.name = task.lane
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.queued', json_build_object('lane', lane) from task
    )
    select id, created_at as "createdAt" from task`
  const createdAt = new Map(created.map((row) => [row.id, row.createdAt]))
  return await Promise.all(
    submissions.map(async (submission) => {
      const { member, task, idempotency } = submission
      const recordedAt = createdAt.get(task.id)
      if (recordedAt) return { task: asRecorded(submission, recordedAt), replayed: false }
      if (!idempotency) throw new Error('a submission without a key made no task')
      return await findByKey(sql, member, idempotency)
    }),
  )
}
