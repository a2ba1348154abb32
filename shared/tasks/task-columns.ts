import type { Sql } from '../database/index.ts'

/** The columns of a `Task`, to be read from a relation named `task`. */
export const taskColumns = (sql: Sql) => sql`
  task.id,
  task.tenant_id as "tenantId",
  task.name,
  task.status,
  task.lane,
  task.priority,
  task.handler,
  task.requirements,
  task.labels,
  task.estimated_seconds as "estimatedSeconds",
  task.estimate_source as "estimateSource",
  task.tier,
  task.cpu,
  task.memory_mb as "memoryMb",
  task.timeout_seconds as "timeoutSeconds",
  task.max_attempts as "maxAttempts",
  task.attempt,
  task.cancel_requested_at as "cancelRequestedAt",
  task.progress,
  task.created_at as "createdAt",
  task.started_at as "startedAt",
  task.completed_at as "completedAt",
  task.runtime_seconds as "runtimeSeconds",
  task.failure_code as "failureCode",
  task.error_message as "errorMessage"`
