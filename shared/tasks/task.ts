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
] as const
export type FailureCode = (typeof FAILURE_CODES)[number]

export type EstimateSource = 'caller' | 'tier'

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
  estimatedSeconds: number
  estimateSource: EstimateSource
  tier: string | null
  cpu: number
  memoryMb: number
  timeoutSeconds: number
  maxAttempts: number
  attempt: number
  cancelRequestedAt: Date | null
  /** JSON text: the latest line of the run's progress. */
  progress: string | null
  createdAt: Date
  startedAt: Date | null
  completedAt: Date | null
  runtimeSeconds: number | null
  failureCode: FailureCode | null
  errorMessage: string | null
}

/** The failures that are tried again unless the task says otherwise: nobody's code is to blame. */
export const isRetriedByDefault = (code: FailureCode): boolean =>
  code === 'worker_lost' || code === 'sandbox_error'

export const isTerminal = (status: TaskStatus): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled'
