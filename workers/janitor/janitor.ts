import { setTimeout as delay } from 'node:timers/promises'
import { notify, type Sql } from '../../shared/database/index.ts'
import { LANES } from '../../shared/lanes/index.ts'
import type { Queue } from '../../shared/queue/index.ts'
import { reapLostAttempts, takeUnclaimed } from '../../shared/tasks/index.ts'
import type { Logger } from '../../shared/telemetry/logger.ts'
import { removeLostWorkers } from '../../shared/workers/index.ts'

export type JanitorOptions = {
  sql: Sql
  queue: Queue
  logger: Logger
  intervalMs: number
  reannounceAfterSeconds: number
  forgetWorkersAfterSeconds: number
  batch: number
}

/**
 * Repairs what crashes leave behind: ends attempts whose lease ran out, and announces again what waits unannounced.
 * Several janitors may run; rows are taken with `skip locked`, and every step may be done twice without harm.
 */
export const startJanitor = ({
  sql,
  queue,
  logger,
  intervalMs,
  reannounceAfterSeconds,
  forgetWorkersAfterSeconds,
  batch,
}: JanitorOptions) => {
  const stopping = new AbortController()

  const reap = async () => {
    const taskIds = await reapLostAttempts(sql, batch)
    if (taskIds.length > 0) logger.warn({ taskIds }, 'attempts lost their worker')
    await Promise.all(taskIds.map((taskId) => notify(sql, 'task_ended', taskId)))
  }

  const announce = async () => {
    const waiting = await takeUnclaimed(sql, { olderThanSeconds: reannounceAfterSeconds, limit: batch })
    for (const lane of LANES) {
      const hints = waiting.filter((task) => task.lane === lane)
      if (hints.length > 0) await queue.enqueue(lane, hints)
    }
  }

  const forgetWorkers = async () => {
    const workers = await removeLostWorkers(sql, { silentSeconds: forgetWorkersAfterSeconds })
    if (workers.length > 0) logger.warn({ workers }, 'forgot lost workers')
  }

  const run = async () => {
    while (!stopping.signal.aborted) {
      for (const step of [reap, announce, forgetWorkers]) {
        await step().catch((error: unknown) =>
          logger.error({ error, step: step.name }, 'janitor step failed'),
        )
      }
      await delay(intervalMs, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
