import { listen, notify, type Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Learning } from '../estimates/index.ts'
import { type Dispatcher, nextLane } from '../lanes/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type Claim, type Claimable, claimTask, moveRunningTask, renewLeases } from './claim-task.ts'
import { type AttemptEnd, type Ended, finishAttempt } from './finish-attempt.ts'
import { type AttemptDependencies, runAttempt } from './run-attempt.ts'

export type AttemptRunnerOptions = AttemptDependencies & {
  /** For what the lease protocol repairs after a crash of the database: claims, heartbeats, logs. */
  relaxedSql: Sql
  dispatcher: Pick<Dispatcher, 'tell'>
  learning: Pick<Learning, 'observe'>
  logger: Logger
  /** Names this process in attempts. */
  worker: string
  leaseSeconds: number
  /** Unrepeatable tasks that may run beside the others once they have outlived their lane. */
  maxOverruns: number
}

export type AttemptRunner = {
  /**
   * Claims an admitted task and runs it. Resolves when the attempt has ended, or before that when the task has outlived
   * its lane but must not be stopped: its place is free then. `false` when there was nothing to claim.
   */
  run(which: Claimable): Promise<boolean>
  /** Waits for the attempts in hand up to `graceMs`, then stops them and gives their tasks back. */
  stop(graceMs: number): Promise<void>
}

type ActiveAttempt = { claim: Claim; abort: AbortController; ended: Promise<void> }

/**
 * Why an attempt is aborted: `cancel` is the user's wish, `lost` means the lease is gone, `overrun` that it outlived
 * its lane, `stop` that this process ends.
 */
type AbortReason = 'cancel' | 'lost' | 'overrun' | 'stop'

/** What an attempt that was stopped for the platform's sake ends as. */
const describeStop = (claim: Claim, worker: string, reason: AbortReason): AttemptEnd | undefined => {
  if (reason === 'overrun') return { outcome: 'returned', reason: 'overrun' }
  if (reason !== 'stop') return undefined
  if (claim.repeatable) return { outcome: 'returned', reason: 'worker_stopped' }
  return { outcome: 'failed', failureCode: 'worker_lost', message: `The worker ${worker} was stopped.` }
}

const FINISH_RETRY_MS = 1_000

/**
 * Runs attempts under a lease: claims, keeps the lease alive, hears cancellations, and writes the end exactly once.
 * All attempts of a process share one heartbeat statement and one listener.
 */
export const startAttemptRunner = async (options: AttemptRunnerOptions): Promise<AttemptRunner> => {
  const { sql, relaxedSql, dispatcher, learning, logger, worker, leaseSeconds, maxOverruns } = options
  const active = new Map<string, ActiveAttempt>()
  const abort = (taskId: string, reason: AbortReason) => active.get(taskId)?.abort.abort(reason)

  const beat = async () => {
    const held = [...active.values()].map(({ claim }) => claim)
    if (held.length === 0) return
    const renewed = new Map(
      (await renewLeases(relaxedSql, held, leaseSeconds)).map((row) => [row.taskId, row.cancelRequested]),
    )
    for (const { taskId, lease } of held) {
      if (active.get(taskId)?.claim.lease !== lease) continue // it ended while the statement ran
      const cancelRequested = renewed.get(taskId)
      if (cancelRequested === undefined) abort(taskId, 'lost')
      else if (cancelRequested) abort(taskId, 'cancel')
    }
  }
  let beating = Promise.resolve()
  const heartbeat = setInterval(
    () => {
      beating = beating.then(beat).catch((error: unknown) => logger.warn({ error }, 'heartbeat failed'))
    },
    (leaseSeconds * 1_000) / 3,
  )
  const cancellations = await listen(relaxedSql, 'task_cancelled', (taskId) => abort(taskId, 'cancel'))

  // What went wrong inside the platform stands in the log; the user is told only what was meant for a user.
  const describePlatformFault = (error: unknown): AttemptEnd => ({
    outcome: 'failed',
    failureCode: 'worker_lost',
    message:
      error instanceof PlatformError ? error.message : `The worker ${worker} could not run this attempt.`,
  })

  // The end of an attempt is worth waiting for: while the database is away we try again, as long as the lease may live.
  const writeEnd = async (claim: Claim, end: AttemptEnd, deadlineMs = Date.now() + leaseSeconds * 1_000) => {
    while (true) {
      try {
        return await finishAttempt(sql, claim, end)
      } catch (error) {
        if (Date.now() > deadlineMs) throw error
        logger.warn({ error, taskId: claim.taskId }, 'the end of an attempt could not be written yet')
        await new Promise((resolve) => setTimeout(resolve, FINISH_RETRY_MS))
      }
    }
  }

  const tellDispatcher = (claim: Claim, ended: Ended, usedSeconds: number | undefined) => {
    const { tenantId, leftLane, lane, concurrencyKey: freedKey, charge } = ended
    // Without a measure the charge stands.
    const settleSeconds = usedSeconds === undefined ? 0 : usedSeconds - charge
    dispatcher.tell([
      { lane: leftLane, tenantId, settleSeconds, freedKey },
      ...(lane !== leftLane || ended.status === 'queued' ? [{ lane, tenantId }] : []),
      // It was charged where it was claimed, and moved since.
      ...(claim.lane !== leftLane ? [{ lane: claim.lane, tenantId }] : []),
    ])
  }

  const observe = (claim: Claim, end: AttemptEnd) => {
    if (!end.usage) return
    const { tenantId, userId, functionKey, inputBytes, forecastBy, forecastSeconds, overranSeconds } = claim
    learning.observe({
      tenantId,
      userId,
      functionKey,
      inputBytes,
      seconds: end.usage.wallSeconds,
      completed: end.outcome === 'completed',
      ...(forecastBy &&
        forecastSeconds !== null && { forecast: { by: forecastBy, seconds: forecastSeconds } }),
      ...(overranSeconds !== null && { overranSeconds }),
    })
  }

  const execute = async (claim: Claim, signal: AbortSignal) => {
    let end: AttemptEnd
    try {
      end = await runAttempt(options, claim, signal)
    } catch (error) {
      logger.error({ error, taskId: claim.taskId, attempt: claim.attempt }, 'attempt failed by our fault')
      end = describePlatformFault(error)
    }
    if (end.outcome === 'cancelled') {
      const stop = describeStop(claim, worker, signal.reason as AbortReason)
      if (stop) end = { ...stop, ...(end.usage && { usage: end.usage }), ...(end.log && { log: end.log }) }
    }
    const ended = await writeEnd(claim, end)
    if (!ended) {
      logger.warn(
        { taskId: claim.taskId, attempt: claim.attempt },
        'the lease was lost; the outcome is dropped',
      )
      return
    }
    tellDispatcher(claim, ended, end.usage?.wallSeconds)
    observe(claim, end)
    if (ended.status !== 'queued') await notify(relaxedSql, 'task_ended', claim.taskId)
  }

  let overruns = 0
  /** Resolves when the attempt has outlived its lane and gives its place free without being stopped. */
  const watchOverrun = (claim: Claim, controller: AbortController, ended: Promise<void>) => {
    const lane = nextLane(claim.lane)
    const { overrunSeconds } = claim
    if (overrunSeconds === null || !lane) return ended
    return new Promise<void>((free) => {
      const timer = setTimeout(async () => {
        if (claim.repeatable) return controller.abort('overrun' satisfies AbortReason)
        if (overruns >= maxOverruns) return
        overruns += 1
        void ended.finally(() => {
          overruns -= 1
        })
        const moved = await moveRunningTask(relaxedSql, claim, lane).catch((error: unknown) => {
          logger.warn({ error, taskId: claim.taskId }, 'a task that outlived its lane stays in it')
          return false
        })
        if (!moved) return
        dispatcher.tell([{ lane: claim.lane, tenantId: claim.tenantId }])
        free()
      }, overrunSeconds * 1_000)
      void ended.finally(() => {
        clearTimeout(timer)
        free()
      })
    })
  }

  return {
    run: async (which) => {
      const claim = await claimTask(relaxedSql, which, worker, leaseSeconds, options.sandboxes.level)
      if (!claim) return false
      const { taskId } = claim
      const controller = new AbortController()
      const ended = execute(claim, controller.signal)
        .catch((error: unknown) =>
          logger.error({ error, taskId }, 'attempt could not be ended; its lease will run out'),
        )
        .finally(() => active.delete(taskId))
      active.set(taskId, { claim, abort: controller, ended })
      await watchOverrun(claim, controller, ended)
      return true
    },
    stop: async (graceMs) => {
      const inHand = [...active.values()]
      const force = setTimeout(() => {
        for (const { abort } of inHand) abort.abort('stop' satisfies AbortReason)
      }, graceMs)
      await Promise.all(inHand.map(({ ended }) => ended))
      clearTimeout(force)
      clearInterval(heartbeat)
      await beating
      await cancellations.stop()
    },
  }
}
