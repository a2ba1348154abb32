import { setTimeout as delay } from 'node:timers/promises'
import { notify, type Sql } from '../../shared/database/index.ts'
import { createDispatcher, findSleepers, LANES, takeUnclaimed } from '../../shared/lanes/index.ts'
import type { Queue } from '../../shared/queue/index.ts'
import {
  deleteDueObjects,
  type InstallationRetention,
  removeAllOverdue,
  searchStore,
} from '../../shared/retention/index.ts'
import type { ObjectStore } from '../../shared/storage/index.ts'
import { expireTasks, reapLostAttempts } from '../../shared/tasks/index.ts'
import type { Logger } from '../../shared/telemetry/logger.ts'
import { removeLostWorkers } from '../../shared/workers/index.ts'

export type JanitorOptions = {
  sql: Sql
  queue: Queue
  store: ObjectStore
  logger: Logger
  intervalMs: number
  /** As the workers have it. */
  leaseSeconds: number
  /** The pause between two looks for what a dead process left lying. */
  searchIntervalMs: number
  reannounceAfterSeconds: number
  forgetWorkersAfterSeconds: number
  retention: InstallationRetention
  /** The pause between two looks for what has been kept long enough. */
  retentionIntervalMs: number
  batch: number
}

type Chore = { name: string; everyMs: number; run(): Promise<void> }

/**
 * Does what time brings and repairs what crashes leave behind: starts what is due, ends what has expired, ends attempts
 * whose lease ran out, announces again what nobody claimed, finds tasks that everybody forgot, and removes what has been
 * kept long enough.
 * Several janitors may run; rows are taken with `skip locked`, and every chore may be done twice without harm.
 */
export const startJanitor = ({
  sql,
  queue,
  store,
  logger,
  intervalMs,
  leaseSeconds,
  searchIntervalMs,
  reannounceAfterSeconds,
  forgetWorkersAfterSeconds,
  retention,
  retentionIntervalMs,
  batch,
}: JanitorOptions) => {
  const stopping = new AbortController()
  const dispatcher = createDispatcher({ sql, queue, logger })

  const dispatch = async () => {
    await Promise.all(LANES.map((lane) => dispatcher.dispatch(lane)))
  }

  const reap = async () => {
    const reaped = await reapLostAttempts(sql, { leaseSeconds, limit: batch })
    if (reaped.length === 0) return
    logger.warn(
      { tasks: reaped.map(({ taskId, worker }) => ({ taskId, worker })) },
      'attempts lost their worker',
    )
    // What they used nobody knows: the charge stands.
    dispatcher.tell(
      reaped.map(({ leftLane: lane, tenantId, concurrencyKey: freedKey }) => ({ lane, tenantId, freedKey })),
    )
    const ended = reaped.filter(({ status }) => status !== 'queued')
    await Promise.all(ended.map(({ taskId }) => notify(sql, 'task_ended', taskId)))
  }

  const expire = async () => {
    const expired = await expireTasks(sql, batch)
    dispatcher.tell(
      expired.map(({ lane, tenantId, concurrencyKey: freedKey }) => ({ lane, tenantId, freedKey })),
    )
    await Promise.all(expired.map(({ id }) => notify(sql, 'task_ended', id)))
  }

  const announce = async () => {
    const unclaimed = await takeUnclaimed(sql, { olderThanSeconds: reannounceAfterSeconds, limit: batch })
    for (const lane of LANES) {
      const hints = unclaimed.filter((task) => task.lane === lane)
      if (hints.length > 0) await queue.enqueue(lane, hints)
    }
  }

  const wakeSleepers = async () => {
    for (const lane of LANES) {
      const { tenantIds, freedKeys } = await findSleepers(sql, lane)
      dispatcher.tell([
        ...tenantIds.map((tenantId) => ({ lane, tenantId })),
        ...freedKeys.map(({ tenantId, key }) => ({ lane, tenantId, freedKey: key })),
      ])
    }
  }

  const forgetWorkers = async () => {
    const workers = await removeLostWorkers(sql, { silentSeconds: forgetWorkersAfterSeconds })
    if (workers.length > 0) logger.warn({ workers }, 'forgot lost workers')
  }

  const { signal } = stopping
  const removeOverdue = () => removeAllOverdue({ sql, installation: retention, batch, signal })

  const deleteObjects = async () => {
    while (!signal.aborted && (await deleteDueObjects(sql, store, batch)) === batch);
  }

  const search = async () => {
    while (!signal.aborted) {
      const searched = await searchStore(sql, store, signal)
      if (!searched) return
      if (searched.found > 0) logger.warn(searched, 'objects that no row names will be deleted')
    }
  }

  const chores: Chore[] = [
    { name: 'reap', everyMs: intervalMs, run: reap },
    { name: 'expire', everyMs: intervalMs, run: expire },
    { name: 'dispatch', everyMs: intervalMs, run: dispatch },
    { name: 'announce', everyMs: intervalMs, run: announce },
    { name: 'wake sleepers', everyMs: searchIntervalMs, run: wakeSleepers },
    { name: 'forget workers', everyMs: searchIntervalMs, run: forgetWorkers },
    { name: 'remove what is overdue', everyMs: retentionIntervalMs, run: removeOverdue },
    { name: 'delete objects', everyMs: retentionIntervalMs, run: deleteObjects },
    { name: 'search the store', everyMs: retentionIntervalMs, run: search },
  ]
  const repeat = async ({ name, everyMs, run }: Chore) => {
    while (!stopping.signal.aborted) {
      await run().catch((error: unknown) => logger.error({ error, chore: name }, 'a chore failed'))
      await delay(everyMs, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }
  const running = Promise.all(chores.map(repeat))
  return {
    stop: async () => {
      stopping.abort()
      await running
      await dispatcher.stop()
    },
  }
}
