import type { Claim } from './claim-task.ts'
import type { AttemptEnd } from './finish-attempt.ts'

/**
 * Why an attempt is aborted: `cancel` is the user's wish, `lost` means the lease is gone, `overrun` that it outlived
 * its lane, `stop` that this process ends.
 */
export type AbortReason = 'cancel' | 'lost' | 'overrun' | 'stop'

/** What an attempt that was stopped for the platform's sake ends as. */
export const describeStop = (claim: Claim, worker: string, reason: AbortReason): AttemptEnd | undefined => {
  if (reason === 'overrun') return { outcome: 'returned', reason: 'overrun' }
  if (reason !== 'stop') return undefined
  if (claim.repeatable) return { outcome: 'returned', reason: 'worker_stopped' }
  return { outcome: 'failed', failureCode: 'worker_lost', message: `The worker ${worker} was stopped.` }
}

/** What an abort may take: the grace of 5 s that a run has, and half a second for us. */
const ABORT_PATIENCE_MS = 5_500

/** An aborted run ends in time even when something that it waits for does not, such as an object store that hangs. */
export const giveUp = (signal: AbortSignal): Promise<AttemptEnd> =>
  new Promise((resolve) => {
    const wait = () => setTimeout(() => resolve({ outcome: 'cancelled' }), ABORT_PATIENCE_MS).unref()
    if (signal.aborted) wait()
    else signal.addEventListener('abort', wait, { once: true })
  })
