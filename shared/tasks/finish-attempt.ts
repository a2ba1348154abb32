import type { Sql } from '../database/index.ts'
import { type Lane, nextLane } from '../lanes/index.ts'
import type { Claim } from './claim-task.ts'
import type { StoredArtifact, StoredResult } from './read-tasks.ts'
import { type LogChunk, logEntries } from './record-progress.ts'
import { decideRetry } from './retry-policy.ts'
import type { FailureCode } from './task.ts'

export type AttemptUsage = { wallSeconds: number; cpuSeconds: number; memoryPeakMb: number }

export type AttemptEnd = {
  usage?: AttemptUsage
  /** The chunks that are not in the database yet, or the whole log's place in the object store. */
  log?: { chunks: LogChunk[] } | { objectKey: string }
} & (
  | { outcome: 'completed'; result: StoredResult & { sizeBytes: number }; artifacts: StoredArtifact[] }
  | { outcome: 'failed'; failureCode: FailureCode; message: string; error?: string }
  | { outcome: 'cancelled' }
  /** Given back unfinished, by nobody's fault: it outlived its lane, or its worker leaves. It waits again. */
  | { outcome: 'returned'; reason: 'overrun' | 'worker_stopped' }
)

/** What finishing needs to know of a claim. */
export type Finishable = Pick<
  Claim,
  | 'taskId'
  | 'attempt'
  | 'lease'
  | 'lane'
  | 'repeatable'
  | 'returns'
  | 'maxAttempts'
  | 'retryOn'
  | 'retryBackoffSeconds'
  | 'tier'
  | 'cpu'
  | 'memoryMb'
>

export type Ended = {
  status: 'completed' | 'failed' | 'cancelled' | 'queued'
  tenantId: string
  /** The lane that has a free place now, and the one where the task waits again. */
  leftLane: Lane
  lane: Lane
  concurrencyKey: string | null
  /** Worker-seconds that its admission charged to the tenant. */
  charge: number
}

const MAX_ERROR_MESSAGE_CHARACTERS = 4_000

const cut = (text: string) =>
  text.slice(0, MAX_ERROR_MESSAGE_CHARACTERS).replaceAll('\u0000', '\ufffd').toWellFormed()

/** What becomes of the task: another attempt (when, where, with what), or this attempt's outcome. */
const decideNext = (claim: Finishable, end: AttemptEnd) => {
  const { tier, cpu, memoryMb } = claim
  if (end.outcome === 'returned') {
    const lane = end.reason === 'overrun' ? (nextLane(claim.lane) ?? claim.lane) : claim.lane
    return { again: true as const, delaySeconds: 0, resources: { tier, cpu, memoryMb }, lane }
  }
  if (end.outcome !== 'failed') return { again: false as const, deadReason: null }
  const decision = decideRetry(end.failureCode, {
    attemptsUsed: claim.attempt - claim.returns,
    maxAttempts: claim.maxAttempts,
    retryOn: claim.retryOn,
    backoffSeconds: claim.retryBackoffSeconds,
    repeatable: claim.repeatable,
    resources: { tier, cpu, memoryMb },
  })
  return decision.again ? { ...decision, lane: claim.lane } : decision
}

/**
 * Ends an attempt and, with it, its task, or lets the task wait again when the attempt was given back or the failure is
 * one to try again. The lease is the fence: a worker whose lease was taken away changes nothing.
 *
 * @returns what became of the task, or `undefined` when the lease is no longer ours
 */
export const finishAttempt = async (
  sql: Sql,
  claim: Finishable,
  end: AttemptEnd,
): Promise<Ended | undefined> => {
  const failed = end.outcome === 'failed'
  const completed = end.outcome === 'completed'
  const result = completed ? end.result : undefined
  const artifacts = completed ? end.artifacts : []
  const message = failed ? cut(end.message) : null
  const logObjectKey = end.log && 'objectKey' in end.log ? end.log.objectKey : null
  const chunks = end.log && 'chunks' in end.log ? end.log.chunks : []
  const next = decideNext(claim, end)
  const again = next.again ? next : undefined
  const [ended] = await sql<Ended[]>`
    with held as (
      select id, lane as left_lane, case
        when ${again === undefined} then ${end.outcome}
        when cancel_requested_at is not null then 'cancelled'
        else 'queued'
      end as next_status
      from tasks
      where id = ${claim.taskId} and lease = ${claim.lease}
      for update
    ), task as (
      update tasks
      set
        status = held.next_status,
        lane = case held.next_status when 'queued' then ${again?.lane ?? claim.lane} else lane end,
        tier = case held.next_status when 'queued' then ${again?.resources.tier ?? null} else tier end,
        cpu = case held.next_status when 'queued' then ${again?.resources.cpu ?? claim.cpu} else cpu end,
        memory_mb = case held.next_status when 'queued' then ${again?.resources.memoryMb ?? claim.memoryMb} else memory_mb end,
        returns = returns + ${end.outcome === 'returned' ? 1 : 0},
        overran_seconds = coalesce(${end.outcome === 'returned' && end.reason === 'overrun' ? (end.usage?.wallSeconds ?? null) : null}, overran_seconds),
        lease = null,
        lease_expires_at = null,
        queued_at = case held.next_status when 'queued' then now() else queued_at end,
        completed_at = case held.next_status when 'queued' then null else now() end,
        runtime_seconds = ${end.usage?.wallSeconds ?? null},
        result_s3_key = ${result && 'objectKey' in result ? result.objectKey : null},
        failure_code = case held.next_status when 'failed' then ${failed ? end.failureCode : null} end,
        error_message = case held.next_status when 'failed' then ${message} end,
        dead_reason = case held.next_status when 'failed' then ${next.again ? null : next.deadReason} end
      from held
      where tasks.id = held.id
      returning tasks.*, held.left_lane
    ), waiting_again as (
      update turns
      set
        stage = case when ${again?.delaySeconds ?? 0}::double precision > 0 then 'scheduled' else 'waiting' end,
        run_at = now() + make_interval(secs => ${again?.delaySeconds ?? 0}),
        lane = task.lane,
        attempt = task.attempt + 1,
        admission = null,
        announced_at = null
      from task
      where turns.task_id = task.id and task.status = 'queued'
      returning turns.task_id, turns.charge
    ), gone as (
      delete from turns
      using task
      where turns.task_id = task.id and task.status <> 'queued'
      returning turns.task_id, turns.charge
    ), attempt as (
      update attempts
      set
        ended_at = now(),
        outcome = ${end.outcome},
        failure_code = ${failed ? end.failureCode : null},
        error_message = ${message},
        error = ${failed ? (end.error ?? null) : null}::json,
        result = ${result && 'text' in result ? result.text : null}::json,
        result_s3_key = task.result_s3_key,
        result_bytes = ${result?.sizeBytes ?? null},
        log_s3_key = ${logObjectKey},
        wall_seconds = ${end.usage?.wallSeconds ?? null},
        cpu_seconds = ${end.usage?.cpuSeconds ?? null},
        memory_peak_mb = ${end.usage?.memoryPeakMb ?? null}
      from task
      where task_id = task.id and number = task.attempt
    ), files as (
      insert into artifacts (task_id, attempt, tenant_id, kind, name, object_key, size_bytes, sha256)
      select task.id, task.attempt, task.tenant_id, file.*
      from task, unnest(
        ${artifacts.map(({ kind }) => kind)}::text[],
        ${artifacts.map(({ name }) => name)}::text[],
        ${artifacts.map(({ objectKey }) => objectKey)}::text[],
        ${artifacts.map(({ sizeBytes }) => sizeBytes)}::bigint[],
        ${artifacts.map(({ sha256 }) => sha256)}::text[]
      ) as file
    ), moved_log as (
      delete from log_chunks
      using task
      where ${logObjectKey}::text is not null and log_chunks.task_id = task.id and log_chunks.attempt = task.attempt
    ), rest_of_log as (
      insert into log_chunks (task_id, attempt, tenant_id, index, kind, chunk)
      select task.id, task.attempt, task.tenant_id, entry.*
      from task, ${logEntries(sql, chunks)}
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.' || status, json_strip_nulls(json_build_object(
        'attempt', attempt,
        'lane', case status when 'queued' then lane end,
        'reason', case status when 'queued' then ${end.outcome === 'returned' ? end.reason : failed ? end.failureCode : null}::text end,
        'failure_code', failure_code,
        'error_message', error_message,
        'dead_reason', dead_reason
      ))
      from task
    )
    select
      task.status,
      task.tenant_id as "tenantId",
      task.left_lane as "leftLane",
      task.lane,
      task.concurrency_key as "concurrencyKey",
      turn.charge
    from task, (select charge from waiting_again union all select charge from gone) as turn`
  return ended
}
