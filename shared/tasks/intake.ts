import { coalesce } from '../coalesce.ts'
import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import { LANES } from '../lanes/index.ts'
import type { Queue } from '../queue/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type Submitted, submitTasks, type TaskSubmission } from './submit-tasks.ts'
import type { Task } from './task.ts'

/** More rows in a statement save little more, and a lost statement loses less. */
const MAX_BATCH = 200
const MAX_IN_FLIGHT = 3

/**
 * Takes submissions: records them, and then tells the queue. Requests that come at one moment share a transaction, so
 * a gateway under load commits a few times for many tasks.
 *
 * @returns submits one task; throws `IDEMPOTENCY_KEY_REUSED` when its key stands for another body
 */
export const createIntake = ({
  sql,
  queue,
  logger,
}: {
  sql: Sql
  queue: Pick<Queue, 'enqueue'>
  logger: Logger
}) => {
  const limits = { maxInFlight: MAX_IN_FLIGHT, maxItems: MAX_BATCH }

  // The rows are committed: hints that fail to reach the queue are sent again by the janitor, so no user is told.
  const announce = coalesce(async (tasks: readonly Task[]) => {
    for (const lane of LANES) {
      const hints = tasks.filter((task) => task.lane === lane).map(({ id }) => ({ taskId: id, attempt: 1 }))
      if (hints.length === 0) continue
      await queue.enqueue(lane, hints).catch((error: unknown) => {
        logger.warn({ error, lane, hints: hints.length }, 'the queue was not told; the janitor will tell it')
      })
    }
    return tasks
  }, limits)

  const record = coalesce((submissions: readonly TaskSubmission[]) => submitTasks(sql, submissions), limits)

  return async (submission: TaskSubmission): Promise<Submitted> => {
    const verdict = await record(submission)
    if (verdict instanceof PlatformError) throw verdict
    if (!verdict.replayed) void announce(verdict.task)
    return verdict
  }
}
