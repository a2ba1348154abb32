import type { Sql } from '../database/index.ts'
import type { Claim } from './claim-task.ts'

export type LogChunk = { index: number; kind: 'stdout' | 'stderr'; chunk: string }

/** Chunks as a relation `entry (index, kind, chunk)`. PostgreSQL's text holds no NUL. */
export const logEntries = (sql: Sql, chunks: readonly LogChunk[]) => sql`
  unnest(
    ${chunks.map(({ index }) => index)}::integer[],
    ${chunks.map(({ kind }) => kind)}::text[],
    ${chunks.map(({ chunk }) => chunk.replaceAll('\u0000', '\ufffd').toWellFormed())}::text[]
  ) as entry (index, kind, chunk)`

/** Keeps what a running attempt has printed, while the lease is ours. */
export const appendLog = async (
  sql: Sql,
  claim: Pick<Claim, 'taskId' | 'lease'>,
  chunks: readonly LogChunk[],
): Promise<void> => {
  await sql`
    insert into log_chunks (task_id, attempt, tenant_id, index, kind, chunk)
    select task.id, task.attempt, task.tenant_id, entry.*
    from tasks task, ${logEntries(sql, chunks)}
    where task.id = ${claim.taskId} and task.lease = ${claim.lease}`
}

/** Shows how far a running attempt is: JSON text, in the task and as an event, while the lease is ours. */
export const recordProgress = async (
  sql: Sql,
  claim: Pick<Claim, 'taskId' | 'lease'>,
  progress: string,
): Promise<void> => {
  await sql`
    with task as (
      update tasks
      set progress = ${progress}::json
      where id = ${claim.taskId} and lease = ${claim.lease}
      returning id, tenant_id
    )
    insert into events (tenant_id, task_id, type, data)
    select tenant_id, id, 'task.progress', ${progress}::json from task`
}
