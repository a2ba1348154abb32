/**
 * Tasks: one run each of one function on given inputs, from submission to its one end.
 *
 * @module
 */
export type { AttemptRunner, AttemptRunnerOptions } from './attempt-runner.ts'
export { type Cancelled, cancelTasks, expireTasks, findUnfinished } from './cancel-task.ts'
export { type Claim, claimTask, renewLeases } from './claim-task.ts'
export { type EndWaiters, startEndWaiters } from './end-waiters.ts'
export { explainWait, WAIT_REASONS, type Wait } from './explain-wait.ts'
export { type AttemptEnd, type Ended, finishAttempt } from './finish-attempt.ts'
export { createIntake, type Intake } from './intake.ts'
export { type Log, readLog } from './read-log.ts'
export {
  type AttemptSummary,
  countTasks,
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
export { reapLostAttempts } from './reap-lost-attempts.ts'
export { replayTasks } from './replay-tasks.ts'
export {
  type Idempotency,
  type NewTask,
  type Submitted,
  submitTasks,
  type TaskSubmission,
} from './submit-tasks.ts'
export {
  DEAD_REASONS,
  type DeadReason,
  FAILURE_CODES,
  type FailureCode,
  isTerminal,
  TASK_STATUSES,
  type Task,
  type TaskStatus,
} from './task.ts'
