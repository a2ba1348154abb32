import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Sql } from '../../../shared/database/index.ts'
import { LANES } from '../../../shared/lanes/index.ts'
import { openQueue } from '../../../shared/queue/index.ts'
import { createLogger } from '../../../shared/telemetry/logger.ts'

/** A hint that waits for a dead worker comes back after twice the queue's silence. */
const HINTS_GONE_MS = 30_000

/** Rows that should not be there once every task has ended. */
export const findLeftRows = async (sql: Sql): Promise<string[]> => {
  const [count] = await sql<[Record<string, number>]>`
    select
      (select count(*)::int from turns) as "turns of ended tasks",
      (select count(*)::int from tasks where lease is not null) as "leases",
      (
        select count(*)::int
        from (select from lane_loads group by lane, tenant_id having sum(tasks) <> 0) wrong
      ) as "wrong counts of a lane's tasks",
      (
        select count(*)::int
        from artifacts
        join attempts on attempts.task_id = artifacts.task_id and attempts.number = artifacts.attempt
        where attempts.outcome is distinct from 'completed'
      ) as "files of attempts that did not complete",
      (
        select count(*)::int
        from log_chunks
        join attempts on attempts.task_id = log_chunks.task_id and attempts.number = log_chunks.attempt
        where attempts.log_s3_key is not null
      ) as "rows of logs that moved",
      (
        select count(*)::int
        from idempotency_keys
        where not exists (select from tasks where tasks.id = idempotency_keys.task_id)
      ) as "keys of no task"`
  return Object.entries(count).flatMap(([what, rows]) => (rows === 0 ? [] : [`left behind: ${rows} ${what}`]))
}

const countHints = async (queue: Awaited<ReturnType<typeof openQueue>>) => {
  const depths = await Promise.all(LANES.map((lane) => queue.depth(lane)))
  return depths.reduce((sum, { waiting, active }) => sum + waiting + active, 0)
}

/** Hints that nobody takes, and jobs that Redis keeps although no list names them. */
export const findLeftHints = async (redisUrl: string): Promise<string[]> => {
  const queue = await openQueue(redisUrl, { logger: createLogger('chaos', 'silent') })
  const redis = new Redis(redisUrl)
  try {
    const deadline = performance.now() + HINTS_GONE_MS
    let hints = await countHints(queue)
    while (hints > 0 && performance.now() < deadline) {
      await delay(200)
      hints = await countHints(queue)
    }
    const jobs = (await redis.keys('bull:*')).filter((key) => /:[0-9a-f-]{36}\.\d+$/.test(key))
    return [
      ...(hints > 0 ? [`left behind: ${hints} hints in Redis`] : []),
      ...(jobs.length > 0 ? [`left behind: ${jobs.length} jobs in Redis, such as ${jobs[0]}`] : []),
    ]
  } finally {
    redis.disconnect()
    await queue.close()
  }
}
