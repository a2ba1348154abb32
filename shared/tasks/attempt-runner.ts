import { listen, notify, type Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Queue } from '../queue/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type Claim, claimTask, renewLeases } from './claim-task.ts'
import { type AttemptEnd, finishAttempt } from './finish-attempt.ts'
import { type AttemptDependencies, runAttempt } from './run-attempt.ts'

export type AttemptRunnerOptions = AttemptDependencies & {
  /** For what the lease protocol repairs after a crash of the database: claims, heartbeats, logs. */
  relaxedSql: Sql
  queue: Pick<Queue, 'enqueue'>
  logger: Logger
  /** Names this process in attempts. */
  worker: string
  leaseSeconds: number
}

export type AttemptRunner = {
  /** Claims a waiting task and runs it to the end of this attempt. `false` when it was not there to be claimed. */
  run(taskId: string): Promise<boolean>
  /** Waits for the attempts in hand up to `graceMs`, then stops them and gives their tasks back. */
  stop(graceMs: number): Promise<void>
}

type ActiveAttempt = { claim: Claim; abort: AbortController; ended: Promise<void> }

/** Why an attempt is aborted: `cancel` is the user's wish, `lost` means the lease is gone, `stop` that this process ends. */
type AbortReason = 'cancel' | 'lost' | 'stop'

const FINISH_RETRY_MS = 1_000

/**
 * Runs attempts under a lease: claims, keeps the lease alive, hears cancellations, and writes the end exactly once.
 * All attempts of a process share one heartbeat statement and one listener.
 */
export const startAttemptRunner = async (options: AttemptRunnerOptions): Promise<AttemptRunner> => {
  const { sql, relaxedSql, queue, logger, worker, leaseSeconds } = options
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

  const execute = async (claim: Claim, signal: AbortSignal) => {
    let end: AttemptEnd
    try {
      end = await runAttempt(options, claim, signal)
    } catch (error) {
      logger.error({ error, taskId: claim.taskId, attempt: claim.attempt }, 'attempt failed by our fault')
      end = describePlatformFault(error)
    }
    if (end.outcome === 'cancelled' && signal.reason === ('stop' satisfies AbortReason)) {
      end = {
        ...end,
        outcome: 'failed',
        failureCode: 'worker_lost',
        message: `The worker ${worker} was stopped.`,
      }
    }
    const ended = await writeEnd(claim, end)
    if (!ended) {
      logger.warn(
        { taskId: claim.taskId, attempt: claim.attempt },
        'the lease was lost; the outcome is dropped',
      )
    } else if (ended.status === 'queued') {
      await queue.enqueue(claim.lane, [{ taskId: claim.taskId, attempt: claim.attempt + 1 }])
    } else {
      await notify(relaxedSql, 'task_ended', claim.taskId)
    }
  }

  return {
    run: async (taskId) => {
      const claim = await claimTask(relaxedSql, taskId, worker, leaseSeconds, options.sandboxes.level)
      if (!claim) return false
      const controller = new AbortController()
      const ended = execute(claim, controller.signal)
        .catch((error: unknown) =>
          logger.error({ error, taskId }, 'attempt could not be ended; its lease will run out'),
        )
        .finally(() => active.delete(taskId))
      active.set(taskId, { claim, abort: controller, ended })
      await ended
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
