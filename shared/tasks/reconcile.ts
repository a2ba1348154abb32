import type { Sql } from '../database/index.ts'
import type { Lane } from '../lanes/index.ts'
import { finishAttempt } from './finish-attempt.ts'

export type WaitingTask = { taskId: string; attempt: number; lane: Lane }

/**
 * Waiting tasks that were announced to the queue longest ago, to be announced again, oldest first: a hint may have
 * been lost between the commit and the queue, or with the queue.
 */
export const takeUnclaimed = async (
  sql: Sql,
  options: { olderThanSeconds: number; limit: number },
): Promise<WaitingTask[]> =>
  await sql<WaitingTask[]>`
    with stale as (
      select id from tasks
      where status = 'queued' and announced_at < now() - make_interval(secs => ${options.olderThanSeconds})
      order by announced_at
      limit ${options.limit}
      for update skip locked
    ), announced as (
      update tasks
      set announced_at = now()
      from stale
      where tasks.id = stale.id
      returning tasks.id, tasks.attempt, tasks.lane
    )
    select id as "taskId", attempt + 1 as attempt, lane from announced order by id`

/** Ends the attempts whose lease ran out: their worker is dead, frozen or cut off. */
export const reapLostAttempts = async (sql: Sql, limit: number): Promise<string[]> => {
  const lost = await sql<{ taskId: string; attempt: number; lease: string; worker: string }[]>`
    select task.id as "taskId", task.attempt, task.lease, attempt.worker
    from tasks task
    join attempts attempt on attempt.task_id = task.id and attempt.number = task.attempt
    where task.status = 'running' and task.lease_expires_at < now()
    order by task.lease_expires_at
    limit ${limit}`
  const ended = await Promise.all(
    lost.map(({ worker, ...claim }) =>
      finishAttempt(sql, claim, {
        outcome: 'failed',
        failureCode: 'worker_lost',
        message: `The worker ${worker} was lost while it ran attempt ${claim.attempt}.`,
      }),
    ),
  )
  return lost.filter((_, index) => ended[index] !== undefined).map(({ taskId }) => taskId)
}
