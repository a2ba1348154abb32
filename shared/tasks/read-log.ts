import { text } from 'node:stream/consumers'
import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { ObjectStore } from '../storage/index.ts'
import type { LogChunk } from './record-progress.ts'
import { wasRemoved } from './remove-overdue.ts'
import { isTerminal, type Task } from './task.ts'

export type Log = {
  attempt: number
  chunks: LogChunk[]
  /** The `since` of the next call. */
  nextIndex: number
  /** True when the attempt has ended and nothing will follow. */
  done: boolean
}

/** The log of an ended attempt as an object: a JSON line a chunk. */
export const formatLog = (chunks: readonly LogChunk[]): string =>
  chunks.map(({ kind, chunk }) => `${JSON.stringify({ kind, chunk })}\n`).join('')

const parseLog = (lines: string): LogChunk[] =>
  lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => ({ index, ...(JSON.parse(line) as Omit<LogChunk, 'index'>) }))

/** What the latest attempt of a task has printed, from chunk `since` on. @throws `EXPIRED` */
export const readLog = async (sql: Sql, store: ObjectStore, task: Task, since: number): Promise<Log> => {
  const [row] = await sql<{ objectKey: string | null; ended: boolean }[]>`
    select log_s3_key as "objectKey", ended_at is not null as ended
    from attempts
    where task_id = ${task.id} and number = ${task.attempt}`
  const object = row?.objectKey ? await store.get(row.objectKey) : undefined
  const chunks = object
    ? parseLog(await text(object.body)).slice(since)
    : await sql<LogChunk[]>`
        select index, kind, chunk
        from log_chunks
        where task_id = ${task.id} and attempt = ${task.attempt} and index >= ${since}
        order by index`
  const done = isTerminal(task.status)
  const lost = row?.objectKey && !object
  if (lost || (done && chunks.length === 0 && (await wasRemoved(sql, task, 'logs'))))
    throw new PlatformError('EXPIRED', 'The log of this task has expired.')
  return {
    attempt: task.attempt,
    chunks,
    nextIndex: (chunks.at(-1)?.index ?? since - 1) + 1,
    done,
  }
}
