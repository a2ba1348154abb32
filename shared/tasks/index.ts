/**
 * Tasks: one run each of one function on given inputs, from submission to its one end.
 *
 * @module
 */
export type { AttemptRunner, AttemptRunnerOptions } from './attempt-runner.ts'
export { cancelTask } from './cancel-task.ts'
export { type Claim, claimTask, renewLeases } from './claim-task.ts'
export { type EndWaiters, startEndWaiters } from './end-waiters.ts'
export { type AttemptEnd, finishAttempt } from './finish-attempt.ts'
export { createIntake } from './intake.ts'
export { type Log, readLog } from './read-log.ts'
export {
  type AttemptSummary,
  countAhead,
  getErrorDetail,
  getResult,
  getTask,
  listArtifacts,
  listAttempts,
  listTasks,
  type StoredArtifact,
  type StoredResult,
  type TaskFilter,
} from './read-tasks.ts'
export { reapLostAttempts, takeUnclaimed } from './reconcile.ts'
export { type NewTask, submitTasks, type TaskSubmission } from './submit-tasks.ts'
export {
  type EstimateSource,
  FAILURE_CODES,
  type FailureCode,
  isTerminal,
  TASK_STATUSES,
  type Task,
  type TaskStatus,
} from './task.ts'
