import { LIMIT_RANGES, TIERS, type Tier } from '../sandbox/index.ts'
import type { DeadReason, FailureCode } from './task.ts'

/** What a task says of itself about trying again. */
export type RetryTerms = {
  /** Attempts so far, this one included, without those that were given back. */
  attemptsUsed: number
  maxAttempts: number
  /** Failures that are tried again besides those that are nobody's code to blame. */
  retryOn: readonly FailureCode[]
  /** The first pause; a default by failure when the task names none. */
  backoffSeconds: number | null
  /** False: it is started once, and never again. */
  repeatable: boolean
  resources: Resources
}

export type Resources = { tier: string | null; cpu: number; memoryMb: number }

export type RetryDecision =
  | { again: true; delaySeconds: number; resources: Resources }
  /** `deadReason` is null for a failure that is simply the task's end. */
  | { again: false; deadReason: DeadReason | null }

/** Nobody's code is to blame, so these are tried again unless the task says otherwise. */
const RETRIED_BY_DEFAULT: ReadonlySet<FailureCode> = new Set<FailureCode>(['worker_lost', 'sandbox_error'])

const FIRST_PAUSE_SECONDS: Partial<Record<FailureCode, number>> = {
  // The worker is gone; another one may start at once, but a task that kills workers is slowed down.
  worker_lost: 1,
  sandbox_error: 1,
  // A larger sandbox is another try, not the same one later.
  out_of_memory: 0,
}
const DEFAULT_FIRST_PAUSE_SECONDS = 5
const MAX_PAUSE_SECONDS = 900

const TIERS_BY_MEMORY = (Object.keys(TIERS) as Tier[])
  .filter((tier) => tier !== 'long')
  .sort((a, b) => TIERS[a].memoryMb - TIERS[b].memoryMb)

/** The next larger tier, or twice the memory for a task without one; undefined at the top. */
const enlarge = ({ tier, cpu, memoryMb }: Resources): Resources | undefined => {
  if (tier === null) {
    const doubled = Math.min(2 * memoryMb, LIMIT_RANGES.memoryMb.max)
    return doubled > memoryMb ? { tier, cpu, memoryMb: doubled } : undefined
  }
  const next = TIERS_BY_MEMORY.find((name) => TIERS[name].memoryMb > memoryMb)
  return next && { tier: next, cpu: Math.max(cpu, TIERS[next].cpu), memoryMb: TIERS[next].memoryMb }
}

/**
 * Whether a failed attempt is followed by another, when, and with what. Pauses double with every attempt and are
 * jittered over their upper half, so that tasks that failed together do not come back together.
 *
 * @param random - in [0, 1)
 */
export const decideRetry = (
  failure: FailureCode,
  terms: RetryTerms,
  random = Math.random(),
): RetryDecision => {
  if (!RETRIED_BY_DEFAULT.has(failure) && !terms.retryOn.includes(failure))
    return { again: false, deadReason: null }
  if (!terms.repeatable) return { again: false, deadReason: 'not_repeatable' }
  if (terms.attemptsUsed >= terms.maxAttempts) return { again: false, deadReason: 'attempts_exhausted' }
  const resources = failure === 'out_of_memory' ? enlarge(terms.resources) : terms.resources
  if (!resources) return { again: false, deadReason: 'no_larger_tier' }
  const first = terms.backoffSeconds ?? FIRST_PAUSE_SECONDS[failure] ?? DEFAULT_FIRST_PAUSE_SECONDS
  const pause = Math.min(first * 2 ** (terms.attemptsUsed - 1), MAX_PAUSE_SECONDS)
  return { again: true, delaySeconds: (pause / 2) * (1 + random), resources }
}
