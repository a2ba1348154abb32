import type { Sql } from '../database/index.ts'
import type { Lane } from '../lanes/index.ts'
import type { FailureCode, Task, TaskStatus } from './task.ts'
import { taskColumns } from './task-columns.ts'

/** One task of a tenant; another tenant's task is as absent as one that never was. */
export const getTask = async (sql: Sql, tenantId: string, id: string): Promise<Task | undefined> => {
  const [task] = await sql<Task[]>`
    select ${taskColumns(sql)} from tasks task where task.id = ${id} and task.tenant_id = ${tenantId}`
  return task
}

export type TaskFilter = {
  status?: TaskStatus
  lane?: Lane
  failureCode?: FailureCode
  /** Only dead letters: failed for good although the failure is one to try again. */
  dead?: boolean
  /** All of these labels, with these values. */
  labels: Record<string, string>
  createdAfter?: Date
  createdBefore?: Date
}

/** The condition that a relation named `task` holds the tenant's tasks that a filter finds. */
export const whereTask = (sql: Sql, tenantId: string, filter: TaskFilter) => sql`
  task.tenant_id = ${tenantId}
  ${filter.status ? sql`and task.status = ${filter.status}` : sql``}
  ${filter.lane ? sql`and task.lane = ${filter.lane}` : sql``}
  ${filter.dead ? sql`and task.dead_reason is not null` : sql``}
  ${filter.failureCode ? sql`and task.failure_code = ${filter.failureCode}` : sql``}
  ${Object.keys(filter.labels).length > 0 ? sql`and task.labels @> ${sql.json(filter.labels)}` : sql``}
  ${filter.createdAfter ? sql`and task.created_at >= ${filter.createdAfter}` : sql``}
  ${filter.createdBefore ? sql`and task.created_at < ${filter.createdBefore}` : sql``}`

/** A tenant's tasks, newest first, from below the id `before`; ids sort by time of submission. */
export const listTasks = async (
  sql: Sql,
  tenantId: string,
  filter: TaskFilter,
  page: { before?: string; limit: number },
): Promise<Task[]> =>
  await sql<Task[]>`
    select ${taskColumns(sql)}
    from tasks task
    where ${whereTask(sql, tenantId, filter)}
      ${page.before ? sql`and task.id < ${page.before}` : sql``}
    order by task.id desc
    limit ${page.limit}`

/** How many tasks a filter finds, counted up to `atMost`. */
export const countTasks = async (
  sql: Sql,
  tenantId: string,
  filter: TaskFilter,
  atMost: number,
): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`
    select count(*)::integer as count
    from (select from tasks task where ${whereTask(sql, tenantId, filter)} limit ${atMost}) found`
  return row.count
}

export type AttemptSummary = {
  number: number
  worker: string
  startedAt: Date
  endedAt: Date | null
  outcome: string | null
  failureCode: string | null
  errorMessage: string | null
  wallSeconds: number | null
  cpuSeconds: number | null
  memoryPeakMb: number | null
}

export const listAttempts = async (sql: Sql, taskId: string): Promise<AttemptSummary[]> =>
  await sql<AttemptSummary[]>`
    select
      number,
      worker,
      started_at as "startedAt",
      ended_at as "endedAt",
      outcome,
      failure_code as "failureCode",
      error_message as "errorMessage",
      wall_seconds as "wallSeconds",
      cpu_seconds as "cpuSeconds",
      memory_peak_mb as "memoryPeakMb"
    from attempts
    where task_id = ${taskId}
    order by number`

/** The result of the attempt that completed a task: the text itself when small, else where it lies. */
export type StoredResult = { text: string } | { objectKey: string; sizeBytes: number }

export const getResult = async (sql: Sql, taskId: string): Promise<StoredResult | undefined> => {
  const [row] = await sql<{ result: string | null; objectKey: string | null; sizeBytes: string }[]>`
    select result, result_s3_key as "objectKey", result_bytes as "sizeBytes"
    from attempts
    where task_id = ${taskId} and outcome = 'completed'`
  if (!row) return undefined
  if (row.result !== null) return { text: row.result }
  return row.objectKey === null ? undefined : { objectKey: row.objectKey, sizeBytes: Number(row.sizeBytes) }
}

/** The error file that the latest attempt's code left, as JSON text. */
export const getErrorDetail = async (sql: Sql, task: Task): Promise<string | undefined> => {
  const [row] = await sql<{ error: string | null }[]>`
    select error from attempts where task_id = ${task.id} and number = ${task.attempt}`
  return row?.error ?? undefined
}

export type StoredArtifact = {
  kind: 'output' | 'artifact'
  name: string
  objectKey: string
  sizeBytes: number
  sha256: string
}

/** The files of the attempt that completed a task. */
export const listArtifacts = async (sql: Sql, taskId: string): Promise<StoredArtifact[]> => {
  const rows = await sql<(Omit<StoredArtifact, 'sizeBytes'> & { sizeBytes: string })[]>`
    select artifact.kind, artifact.name, artifact.object_key as "objectKey", artifact.size_bytes as "sizeBytes", artifact.sha256
    from artifacts artifact
    join attempts attempt on attempt.task_id = artifact.task_id and attempt.number = artifact.attempt
    where artifact.task_id = ${taskId} and attempt.outcome = 'completed'
    order by artifact.kind, artifact.name`
  return rows.map((row) => ({ ...row, sizeBytes: Number(row.sizeBytes) }))
}
