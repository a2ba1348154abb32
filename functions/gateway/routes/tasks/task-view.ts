import { z } from '@hono/zod-openapi'
import { ESTIMATE_SOURCES } from '../../../../shared/estimates/index.ts'
import { LANES } from '../../../../shared/lanes/index.ts'
import {
  type AttemptSummary,
  DEAD_REASONS,
  FAILURE_CODES,
  TASK_STATUSES,
  type Task,
  WAIT_REASONS,
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
    estimate: z.object({
      seconds: z.number().openapi({ description: 'What the lane was picked by' }),
      expected_seconds: z.number().openapi({ description: 'Half of such runs take less' }),
      source: z.enum(ESTIMATE_SOURCES).openapi({ description: 'Which source decided' }),
    }),
    resources: z.object({ tier: z.string().nullable(), cpu: z.number(), memory_mb: z.number() }),
    timeout_seconds: z.number(),
    repeatable: z.boolean(),
    run_at: Timestamp.nullable(),
    expires_at: Timestamp.nullable(),
    concurrency: z.object({ key: z.string(), limit: z.number().int() }).nullable(),
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
    dead_reason: z
      .enum(DEAD_REASONS)
      .nullable()
      .openapi({ description: 'Why it was not tried again although its failure is one to try again' }),
    replay_of: z.uuid().nullable().openapi({ description: 'The task that this one runs again' }),
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
  waits: z
    .object({
      reason: z.enum(WAIT_REASONS).openapi({ description: 'Why it has not started' }),
      ahead: z
        .number()
        .int()
        .nullable()
        .openapi({ description: "The tenant's tasks before it in its lane, counted up to 1,000" }),
      until: Timestamp.nullable(),
    })
    .nullable()
    .openapi({ description: 'While it is queued' }),
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
  estimate: {
    seconds: task.estimatedSeconds,
    expected_seconds: task.expectedSeconds,
    source: task.estimateSource,
  },
  resources: { tier: task.tier, cpu: task.cpu, memory_mb: task.memoryMb },
  timeout_seconds: task.timeoutSeconds,
  repeatable: task.repeatable,
  run_at: task.runAt?.toISOString() ?? null,
  expires_at: task.expiresAt?.toISOString() ?? null,
  concurrency:
    task.concurrencyKey === null || task.concurrencyLimit === null
      ? null
      : { key: task.concurrencyKey, limit: task.concurrencyLimit },
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
  dead_reason: task.deadReason,
  replay_of: task.replayOf,
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
