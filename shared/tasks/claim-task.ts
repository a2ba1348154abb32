import type { Sql } from '../database/index.ts'
import type { Lane } from '../lanes/index.ts'
import { SANDBOX_LEVELS, type SandboxLevel } from '../sandbox/index.ts'

/** The right to run one attempt and to write for it, until the lease runs out or is taken away. */
export type Claim = {
  taskId: string
  attempt: number
  lease: string
  tenantId: string
  lane: Lane
  code: string
  handler: string
  requirements: string[]
  /** The user's JSON text, unless it lies in the object store. */
  inputs: string | null
  inputsObjectKey: string | null
  files: Record<string, string>
  tier: string | null
  cpu: number
  memoryMb: number
  timeoutSeconds: number
  reuse: 'tenant' | 'never'
  restrictedPython: boolean
}

/** The floors that a sandbox of this level reaches. */
const floorsBelow = (level: SandboxLevel) => SANDBOX_LEVELS.slice(0, SANDBOX_LEVELS.indexOf(level) + 1)

/**
 * Takes a waiting task: `queued → running`, a fresh lease, the next attempt, its event, in one statement.
 * Of several workers that try, one succeeds; the others get `undefined`, as for a task that no longer waits.
 *
 * @param level - what the worker's sandboxes reach: a task with a higher floor is not for it
 */
export const claimTask = async (
  sql: Sql,
  taskId: string,
  worker: string,
  leaseSeconds: number,
  level: SandboxLevel = 'container',
): Promise<Claim | undefined> => {
  const [claim] = await sql<Claim[]>`
    with task as (
      update tasks
      set
        status = 'running',
        attempt = attempt + 1,
        lease = ${crypto.randomUUID()},
        lease_expires_at = now() + make_interval(secs => ${leaseSeconds}),
        started_at = coalesce(started_at, now()),
        progress = null
      where id = ${taskId} and status = 'queued' and sandbox_floor = any (${floorsBelow(level)})
      returning *
    ), attempt as (
      insert into attempts (task_id, number, tenant_id, worker)
      select id, attempt, tenant_id, ${worker} from task
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.running', json_build_object('attempt', attempt) from task
    )
    select
      id as "taskId",
      attempt,
      lease,
      tenant_id as "tenantId",
      lane,
      code,
      handler,
      requirements,
      inputs,
      inputs_s3_key as "inputsObjectKey",
      files,
      tier,
      cpu,
      memory_mb as "memoryMb",
      timeout_seconds as "timeoutSeconds",
      reuse,
      restricted_python as "restrictedPython"
    from task`
  return claim
}

export type HeldLease = { taskId: string; lease: string }

/**
 * Prolongs leases, all in one statement.
 *
 * @returns the tasks whose lease is still ours, and whether a user wants them cancelled; who is missing has lost it
 */
export const renewLeases = async (
  sql: Sql,
  leases: readonly HeldLease[],
  leaseSeconds: number,
): Promise<{ taskId: string; cancelRequested: boolean }[]> =>
  await sql<{ taskId: string; cancelRequested: boolean }[]>`
    update tasks
    set lease_expires_at = now() + make_interval(secs => ${leaseSeconds})
    from unnest(
      ${leases.map(({ taskId }) => taskId)}::uuid[],
      ${leases.map(({ lease }) => lease)}::uuid[]
    ) as held (id, lease)
    where tasks.id = held.id and tasks.lease = held.lease
    returning tasks.id as "taskId", tasks.cancel_requested_at is not null as "cancelRequested"`
