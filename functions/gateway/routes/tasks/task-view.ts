import { z } from '@hono/zod-openapi'
import { LANES } from '../../../../shared/lanes/index.ts'
import {
  type AttemptSummary,
  FAILURE_CODES,
  TASK_STATUSES,
  type Task,
} from '../../../../shared/tasks/index.ts'

const Timestamp = z.iso.datetime()

export const TaskView = z
  .object({
    id: z.uuid(),
    name: z.string().nullable(),
    status: z.enum(TASK_STATUSES),
    lane: z.enum(LANES),
    priority: z.number().int(),
    handler: z.string(),
    requirements: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    estimate: z.object({ seconds: z.number(), source: z.string() }),
    resources: z.object({ tier: z.string().nullable(), cpu: z.number(), memory_mb: z.number() }),
    timeout_seconds: z.number(),
    attempt: z.number().int().openapi({ description: "The latest attempt's number; 0 before the first" }),
    max_attempts: z.number().int(),
    cancel_requested: z.boolean(),
    progress: z
      .object({
        fraction: z.number().optional(),
        message: z.string().optional(),
        eta_seconds: z.number().optional(),
      })
      .nullable(),
    created_at: Timestamp,
    started_at: Timestamp.nullable(),
    completed_at: Timestamp.nullable(),
    runtime_seconds: z.number().nullable(),
    failure_code: z.enum(FAILURE_CODES).nullable(),
    error_message: z.string().nullable(),
  })
  .openapi('Task')

const WarningView = z
  .object({
    file: z.string(),
    line: z.number().int(),
    column: z.number().int(),
    rule: z.string(),
    message: z.string(),
    fix: z.string().openapi({ description: 'What to do about it' }),
  })
  .openapi('Warning')

/** With what is told of one task and not of each in a list. */
export const SubmittedTaskView = TaskView.extend({
  warnings: z.array(WarningView).openapi({
    description: 'What the checks of the source warned of when it was submitted, the first hundred',
  }),
}).openapi('SubmittedTask')

export const AttemptView = z
  .object({
    number: z.number().int(),
    worker: z.string(),
    started_at: Timestamp,
    ended_at: Timestamp.nullable(),
    outcome: z.string().nullable(),
    failure_code: z.string().nullable(),
    error_message: z.string().nullable(),
    wall_seconds: z.number().nullable(),
    cpu_seconds: z.number().nullable(),
    memory_peak_mb: z.number().nullable(),
  })
  .openapi('Attempt')

export const TaskDetailView = SubmittedTaskView.extend({
  position: z
    .number()
    .int()
    .nullable()
    .openapi({ description: 'While queued: how many wait ahead in the lane, 1,000 at most' }),
  attempts: z.array(AttemptView),
}).openapi('TaskDetail')

export const toTaskView = (task: Task): z.infer<typeof TaskView> => ({
  id: task.id,
  name: task.name,
  status: task.status,
  lane: task.lane,
  priority: task.priority,
  handler: task.handler,
  requirements: task.requirements,
  labels: task.labels,
  estimate: { seconds: task.estimatedSeconds, source: task.estimateSource },
  resources: { tier: task.tier, cpu: task.cpu, memory_mb: task.memoryMb },
  timeout_seconds: task.timeoutSeconds,
  attempt: task.attempt,
  max_attempts: task.maxAttempts,
  cancel_requested: task.cancelRequestedAt !== null,
  // Progress is ours: the sandbox checked it to be these three members.
  progress: task.progress === null ? null : JSON.parse(task.progress),
  created_at: task.createdAt.toISOString(),
  started_at: task.startedAt?.toISOString() ?? null,
  completed_at: task.completedAt?.toISOString() ?? null,
  runtime_seconds: task.runtimeSeconds,
  failure_code: task.failureCode,
  error_message: task.errorMessage,
})

export const toSubmittedTaskView = (task: Task): z.infer<typeof SubmittedTaskView> => ({
  ...toTaskView(task),
  warnings: task.warnings.map(({ level: _, ...warning }) => warning),
})

export const toAttemptView = (attempt: AttemptSummary): z.infer<typeof AttemptView> => ({
  number: attempt.number,
  worker: attempt.worker,
  started_at: attempt.startedAt.toISOString(),
  ended_at: attempt.endedAt?.toISOString() ?? null,
  outcome: attempt.outcome,
  failure_code: attempt.failureCode,
  error_message: attempt.errorMessage,
  wall_seconds: attempt.wallSeconds,
  cpu_seconds: attempt.cpuSeconds,
  memory_peak_mb: attempt.memoryPeakMb,
})
