import { isDatabaseAway, listen, notify, persist, type Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Learning } from '../estimates/index.ts'
import { type Dispatcher, nextLane } from '../lanes/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type AbortReason, describeStop, giveUp } from './abort-attempt.ts'
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
  /** Claims nothing more, waits for the attempts in hand up to `graceMs`, then stops them and gives their tasks back. */
  stop(graceMs: number): Promise<void>
}

type ActiveAttempt = { claim: Claim; abort: AbortController; ended: Promise<void> }

/** What a timer can wait; a longer one would ring at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Runs attempts under a lease: claims, keeps the lease alive, hears cancellations, and writes the end exactly once.
 * All attempts of a process share one heartbeat statement and one listener.
 */
export const startAttemptRunner = async (options: AttemptRunnerOptions): Promise<AttemptRunner> => {
  const { sql, relaxedSql, dispatcher, learning, logger, worker, leaseSeconds, maxOverruns } = options
  const active = new Map<string, ActiveAttempt>()
  const claiming = new Set<Promise<unknown>>()
  /** Cancellations of tasks that are not ours, heard while a claim is on its way: it may bring one of them. */
  const heardWhileClaiming = new Set<string>()
  let stopping = false
  let graceIsOver = false
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
  const beatSoon = () => {
    beating = beating.then(beat).catch((error: unknown) => logger.warn({ error }, 'heartbeat failed'))
  }
  const heartbeat = setInterval(beatSoon, (leaseSeconds * 1_000) / 3)
  const hearCancellation = (taskId: string) => {
    if (claiming.size > 0 && !active.has(taskId)) heardWhileClaiming.add(taskId)
    abort(taskId, 'cancel')
  }
  // What was said while the connection was down, a beat finds out.
  const cancellations = await listen(relaxedSql, 'task_cancelled', hearCancellation, beatSoon)

  // What went wrong inside the platform stands in the log; the user is told only what was meant for a user.
  const describePlatformFault = (error: unknown): AttemptEnd => ({
    outcome: 'failed',
    failureCode: 'worker_lost',
    message:
      error instanceof PlatformError ? error.message : `The worker ${worker} could not run this attempt.`,
  })

  // The end of an attempt is worth waiting for, be it of two days. While the database is away nobody else can take the
  // lease either, so that we try until it is back, or this process has to go. Other troubles have the time of a lease.
  const writeEnd = (claim: Claim, end: AttemptEnd) => {
    const deadlineMs = performance.now() + leaseSeconds * 1_000
    return persist(
      () => finishAttempt(sql, claim, end),
      (error) => {
        logger.warn({ error, taskId: claim.taskId }, 'the end of an attempt could not be written yet')
        return performance.now() < deadlineMs || (isDatabaseAway(error) && !graceIsOver)
      },
    )
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
      end = await Promise.race([runAttempt(options, claim, signal), giveUp(signal)])
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
      const timer = setTimeout(
        async () => {
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
        },
        Math.min(overrunSeconds * 1_000, LONGEST_TIMER_MS),
      )
      void ended.finally(() => {
        clearTimeout(timer)
        free()
      })
    })
  }

  const begin = async (which: Claimable) => {
    const claim = await claimTask(relaxedSql, which, worker, leaseSeconds, options.sandboxes.level)
    if (!claim) return undefined
    const { taskId } = claim
    const controller = new AbortController()
    const ended = execute(claim, controller.signal)
      .catch((error: unknown) =>
        logger.error({ error, taskId }, 'attempt could not be ended; its lease will run out'),
      )
      .finally(() => active.delete(taskId))
    active.set(taskId, { claim, abort: controller, ended })
    if (heardWhileClaiming.has(taskId)) abort(taskId, 'cancel')
    if (graceIsOver) abort(taskId, 'stop')
    return { claim, controller, ended }
  }

  return {
    run: async (which) => {
      if (stopping) return false
      const beginning = begin(which)
      claiming.add(beginning)
      const begun = await beginning.finally(() => {
        claiming.delete(beginning)
        if (claiming.size === 0) heardWhileClaiming.clear()
      })
      if (!begun) return false
      await watchOverrun(begun.claim, begun.controller, begun.ended)
      return true
    },
    stop: async (graceMs) => {
      stopping = true
      const force = setTimeout(
        () => {
          graceIsOver = true
          for (const taskId of active.keys()) abort(taskId, 'stop')
        },
        Math.min(graceMs, LONGEST_TIMER_MS),
      )
      await Promise.allSettled(claiming)
      await Promise.all([...active.values()].map(({ ended }) => ended))
      clearTimeout(force)
      clearInterval(heartbeat)
      await beating
      await cancellations.stop()
    },
  }
}
