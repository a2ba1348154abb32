import type { Sql } from '../database/index.ts'
import type { Claim } from './claim-task.ts'
import type { StoredArtifact, StoredResult } from './read-tasks.ts'
import { type LogChunk, logEntries } from './record-progress.ts'
import { type FailureCode, isRetriedByDefault } from './task.ts'

export type AttemptUsage = { wallSeconds: number; cpuSeconds: number; memoryPeakMb: number }

export type AttemptEnd = {
  usage?: AttemptUsage
  /** The chunks that are not in the database yet, or the whole log's place in the object store. */
  log?: { chunks: LogChunk[] } | { objectKey: string }
} & (
  | { outcome: 'completed'; result: StoredResult & { sizeBytes: number }; artifacts: StoredArtifact[] }
  | { outcome: 'failed'; failureCode: FailureCode; message: string; error?: string }
  | { outcome: 'cancelled' }
)

type Ended = { status: 'completed' | 'failed' | 'cancelled' | 'queued' }

const MAX_ERROR_MESSAGE_CHARACTERS = 4_000

const cut = (text: string) =>
  text.slice(0, MAX_ERROR_MESSAGE_CHARACTERS).replaceAll('\u0000', '\ufffd').toWellFormed()

/**
 * Ends an attempt and, with it, its task, or puts the task back in its lane when the failure is one to try again.
 * The lease is the fence: a worker whose lease was taken away changes nothing.
 *
 * @returns the task's status from here on, or `undefined` when the lease is no longer ours
 */
export const finishAttempt = async (
  sql: Sql,
  claim: Pick<Claim, 'taskId' | 'attempt' | 'lease'>,
  end: AttemptEnd,
): Promise<Ended | undefined> => {
  const failed = end.outcome === 'failed'
  const completed = end.outcome === 'completed'
  const result = completed ? end.result : undefined
  const artifacts = completed ? end.artifacts : []
  const message = failed ? cut(end.message) : null
  const logObjectKey = end.log && 'objectKey' in end.log ? end.log.objectKey : null
  const chunks = end.log && 'chunks' in end.log ? end.log.chunks : []
  const retriedByDefault = failed && isRetriedByDefault(end.failureCode)
  const [ended] = await sql<Ended[]>`
    with held as (
      select id, case
        when not (${retriedByDefault} or ${failed ? end.failureCode : ''} = any (retry_on)) then ${end.outcome}
        when cancel_requested_at is not null then 'cancelled'
        when attempt < max_attempts then 'queued'
        else ${end.outcome}
      end as next_status
      from tasks
      where id = ${claim.taskId} and lease = ${claim.lease}
      for update
    ), task as (
      update tasks
      set
        status = held.next_status,
        lease = null,
        lease_expires_at = null,
        queued_at = case held.next_status when 'queued' then now() else queued_at end,
        announced_at = case held.next_status when 'queued' then now() else announced_at end,
        completed_at = case held.next_status when 'queued' then null else now() end,
        runtime_seconds = ${end.usage?.wallSeconds ?? null},
        result_s3_key = ${result && 'objectKey' in result ? result.objectKey : null},
        failure_code = case held.next_status when 'failed' then ${failed ? end.failureCode : null} end,
        error_message = case held.next_status when 'failed' then ${message} end
      from held
      where tasks.id = held.id
      returning tasks.*
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
        'attempt', attempt, 'failure_code', failure_code, 'error_message', error_message
      ))
      from task
    )
    select status from task`
  return ended
}
