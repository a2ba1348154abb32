import type { EstimateSource } from '../estimates/index.ts'
import type { Lane } from '../lanes/index.ts'
import type { Finding } from '../prechecks/index.ts'

export const TASK_STATUSES = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const
export type TaskStatus = (typeof TASK_STATUSES)[number]

export const FAILURE_CODES = [
  'user_error',
  'timeout',
  'out_of_memory',
  'disk_full',
  'output_too_large',
  'invalid_output',
  'environment_error',
  'sandbox_error',
  'worker_lost',
  'dependency_failed',
  'expired',
] as const
export type FailureCode = (typeof FAILURE_CODES)[number]

/** A task as its row tells it, without what the user sent and got. Times are the database's. */
export type Task = {
  id: string
  tenantId: string
  name: string | null
  status: TaskStatus
  lane: Lane
  priority: number
  handler: string
  /** Lines of requirements, as the user stated them; none: the default environment. */
  requirements: string[]
  /** What the checks before the run warned of. */
  warnings: Finding[]
  labels: Record<string, string>
  /** What it was routed by. */
  estimatedSeconds: number
  /** Half of such runs take less. */
  expectedSeconds: number
  estimateSource: EstimateSource
  tier: string | null
  cpu: number
  memoryMb: number
  timeoutSeconds: number
  maxAttempts: number
  attempt: number
  /** Attempts that were given back; they do not count against `maxAttempts`. */
  returns: number
  repeatable: boolean
  runAt: Date | null
  expiresAt: Date | null
  concurrencyKey: string | null
  concurrencyLimit: number | null
  cancelRequestedAt: Date | null
  /** JSON text: the latest line of the run's progress. */
  progress: string | null
  createdAt: Date
  startedAt: Date | null
  completedAt: Date | null
  runtimeSeconds: number | null
  failureCode: FailureCode | null
  errorMessage: string | null
  deadReason: DeadReason | null
  /** The task that this one runs again. */
  replayOf: string | null
}

/** Why a task failed for good although its failure is one that is tried again. */
export const DEAD_REASONS = ['attempts_exhausted', 'not_repeatable', 'no_larger_tier'] as const
export type DeadReason = (typeof DEAD_REASONS)[number]

export const isTerminal = (status: TaskStatus): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'
