import type { Sql } from '../database/index.ts'
import { type Ended, type Finishable, finishAttempt } from './finish-attempt.ts'

/**
 * Ends the attempts whose lease ran out: their worker is dead, frozen or cut off.
 *
 * While the database is away no worker can renew, so that afterwards all leases have run out. Each call notes that it
 * looked; when nobody has for a third of a lease, workers are given the time of a lease to come back before any is taken
 * for lost. All of this is one statement by the database's clock: one that was on its way during an outage and arrives
 * after it finds the break too.
 *
 * @returns what became of their tasks
 */
export const reapLostAttempts = async (
  sql: Sql,
  { leaseSeconds, limit }: { leaseSeconds: number; limit: number },
): Promise<(Ended & { taskId: string; worker: string })[]> => {
  const lost = await sql<(Finishable & { worker: string })[]>`
    with watch as (
      update lease_watch
      set
        calm_since = case
          when looked_at < now() - make_interval(secs => ${leaseSeconds / 3}) then now()
          else calm_since
        end,
        looked_at = greatest(looked_at, now())
      returning calm_since
    )
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
    from watch
    join tasks task on watch.calm_since <= now() - make_interval(secs => ${leaseSeconds})
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
