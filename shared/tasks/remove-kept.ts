import type { Statements } from '../database/index.ts'

/** What is kept of an ended task, each for a time of its own; `tasks` is all that is left, the rest included. */
export const KEPT_KINDS = ['results', 'artifacts', 'logs', 'events', 'tasks'] as const
export type KeptKind = (typeof KEPT_KINDS)[number]

type Removed = {
  /** Objects that no row names any more. */
  objectKeys: string[]
  /** False when there were more rows than may go at once. */
  complete: boolean
}

type Remove = (sql: Statements, taskIds: readonly string[], maxRows: number) => Promise<Removed>

const toKeys = (rows: readonly { objectKey: string | null }[]): string[] =>
  rows.flatMap(({ objectKey }) => objectKey ?? [])

const removeResults: Remove = async (sql, taskIds) => {
  const rows = await sql<{ objectKey: string | null }[]>`
    with old as materialized (
      select task_id, number, result_s3_key
      from attempts
      where task_id = any (${taskIds}::uuid[])
        and (result is not null or result_s3_key is not null or error is not null)
      for update
    ), attempt as (
      update attempts
      set result = null, result_s3_key = null, error = null
      from old
      where attempts.task_id = old.task_id and attempts.number = old.number
    ), task as (
      update tasks set result_s3_key = null
      from old
      where tasks.id = old.task_id and tasks.result_s3_key is not null
    )
    select result_s3_key as "objectKey" from old`
  return { objectKeys: toKeys(rows), complete: true }
}

// Rows that nobody changes are named by their place, which is found by an index: no plan for this reads a whole table.
const removeArtifacts: Remove = async (sql, taskIds, maxRows) => {
  const rows = await sql<{ objectKey: string }[]>`
    delete from artifacts
    where ctid = any (array(select ctid from artifacts where task_id = any (${taskIds}::uuid[]) limit ${maxRows}))
    returning object_key as "objectKey"`
  return { objectKeys: toKeys(rows), complete: rows.length < maxRows }
}

const removeLogs: Remove = async (sql, taskIds, maxRows) => {
  const { count } = await sql`
    delete from log_chunks
    where ctid = any (array(select ctid from log_chunks where task_id = any (${taskIds}::uuid[]) limit ${maxRows}))`
  const rows = await sql<{ objectKey: string }[]>`
    with old as materialized (
      select task_id, number, log_s3_key
      from attempts
      where task_id = any (${taskIds}::uuid[]) and log_s3_key is not null
      for update
    ), attempt as (
      update attempts set log_s3_key = null
      from old
      where attempts.task_id = old.task_id and attempts.number = old.number
    )
    select log_s3_key as "objectKey" from old`
  return { objectKeys: toKeys(rows), complete: count < maxRows }
}

const removeEvents: Remove = async (sql, taskIds, maxRows) => {
  const { count } = await sql`
    delete from events
    where ctid = any (array(select ctid from events where task_id = any (${taskIds}::uuid[]) limit ${maxRows}))`
  return { objectKeys: [], complete: count < maxRows }
}

const removeRest: Remove = async (sql, taskIds) => {
  const rows = await sql<{ objectKey: string | null }[]>`
    with gone as (
      delete from tasks where id = any (${taskIds}::uuid[]) returning id, tenant_id, labels, inputs_s3_key
    ), label as (
      delete from task_labels
      where ctid = any (array(
        select label.ctid
        from gone
        cross join lateral jsonb_each_text(gone.labels) as old
        cross join lateral (
          select ctid from task_labels
          where tenant_id = gone.tenant_id and name = old.key and value = old.value and task_id = gone.id
          limit 1
        ) label
      ))
    ), entry as (
      delete from idempotency_keys
      using gone
      where idempotency_keys.tenant_id = gone.tenant_id and idempotency_keys.task_id = gone.id
    )
    select inputs_s3_key as "objectKey" from gone`
  return { objectKeys: toKeys(rows), complete: true }
}

// What can be many rows goes first and in parts, so that no statement takes long however much a task has left behind.
const removeTasks: Remove = async (sql, taskIds, maxRows) => {
  const objectKeys: string[] = []
  for (const remove of [removeEvents, removeLogs, removeArtifacts, removeResults, removeRest]) {
    const removed = await remove(sql, taskIds, maxRows)
    objectKeys.push(...removed.objectKeys)
    if (!removed.complete) return { objectKeys, complete: false }
  }
  return { objectKeys, complete: true }
}

/** Removes the rows of one kind of ended tasks, `maxRows` of a table at most. Calling it again does no harm. */
export const removeKept: Record<KeptKind, Remove> = {
  results: removeResults,
  artifacts: removeArtifacts,
  logs: removeLogs,
  events: removeEvents,
  tasks: removeTasks,
}
