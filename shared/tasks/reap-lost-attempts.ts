import type { Sql } from '../database/index.ts'
import { type Ended, type Finishable, finishAttempt } from './finish-attempt.ts'

/**
 * Ends the attempts whose lease ran out: their worker is dead, frozen or cut off.
 *
 * @returns what became of their tasks
 */
export const reapLostAttempts = async (
  sql: Sql,
  limit: number,
): Promise<(Ended & { taskId: string; worker: string })[]> => {
  const lost = await sql<(Finishable & { worker: string })[]>`
    select
      task.id as "taskId",
      task.attempt,
      task.lease,
      task.lane,
      task.repeatable,
      task.returns,
      task.max_attempts as "maxAttempts",
      task.retry_on as "retryOn",
      task.retry_backoff_seconds as "retryBackoffSeconds",
      task.tier,
      task.cpu,
      task.memory_mb as "memoryMb",
      attempt.worker
    from tasks task
    join attempts attempt on attempt.task_id = task.id and attempt.number = task.attempt
    where task.status = 'running' and task.lease_expires_at < now()
    order by task.lease_expires_at
    limit ${limit}`
  const ended = await Promise.all(
    lost.map(async ({ worker, ...claim }) => {
      const end = await finishAttempt(sql, claim, {
        outcome: 'failed',
        failureCode: 'worker_lost',
        message: `The worker ${worker} was lost while it ran attempt ${claim.attempt}.`,
      })
      return end && { ...end, taskId: claim.taskId, worker }
    }),
  )
  return ended.filter((end) => end !== undefined)
}
