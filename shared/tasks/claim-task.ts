import type { Sql } from '../database/index.ts'
import type { Forecast } from '../estimates/index.ts'
import type { Lane } from '../lanes/index.ts'
import { SANDBOX_LEVELS, type SandboxLevel } from '../sandbox/index.ts'
import type { FailureCode } from './task.ts'

/** The right to run one attempt and to write for it, until the lease runs out or is taken away. */
export type Claim = {
  taskId: string
  attempt: number
  lease: string
  tenantId: string
  userId: string
  lane: Lane
  functionKey: string
  inputBytes: number
  forecastBy: Forecast['by'] | null
  forecastSeconds: number | null
  /** How long it had run when it outlived a lane before. */
  overranSeconds: number | null
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
  /** After so long in its lane the task moves to the next; null in the last lane. */
  overrunSeconds: number | null
  reuse: 'tenant' | 'never'
  restrictedPython: boolean
  repeatable: boolean
  returns: number
  maxAttempts: number
  retryOn: FailureCode[]
  retryBackoffSeconds: number | null
}

/** The lane's next task, or a certain one if it has been admitted. */
export type Claimable = { lane: Lane } | { taskId: string }

/** The floors that a sandbox of this level reaches. */
const floorsBelow = (level: SandboxLevel) => SANDBOX_LEVELS.slice(0, SANDBOX_LEVELS.indexOf(level) + 1)

/**
 * Takes an admitted task: `queued → running`, a fresh lease, the next attempt, its event, in one statement.
 *
 * By lane it takes the one that was admitted first. Workers that ask at one moment line up behind that row's lock
 * instead of skipping it, so that tasks start in the order of their admission, always. Of several that want the same
 * task one gets it; the others get `undefined`, as for a lane where nothing is admitted.
 *
 * @param level - what the worker's sandboxes reach: a task whose tenant wants a stronger one is not for it
 */
export const claimTask = async (
  sql: Sql,
  which: Claimable,
  worker: string,
  leaseSeconds: number,
  level: SandboxLevel = 'container',
): Promise<Claim | undefined> => {
  const [claim] = await sql<Claim[]>`
    with head as (
      select task_id
      from turns
      where stage = 'admitted' and (expires_at is null or expires_at > now())
        and sandbox_floor = any (${floorsBelow(level)})
        and ${'lane' in which ? sql`lane = ${which.lane}` : sql`task_id = ${which.taskId}`}
      order by admission
      limit 1
      for update
    ), turn as (
      update turns set stage = 'running' from head where turns.task_id = head.task_id returning turns.task_id
    ), task as (
      update tasks
      set
        status = 'running',
        attempt = attempt + 1,
        lease = ${crypto.randomUUID()},
        lease_expires_at = now() + make_interval(secs => ${leaseSeconds}),
        started_at = coalesce(started_at, clock_timestamp()),
        progress = null
      from turn
      where tasks.id = turn.task_id and tasks.status = 'queued'
      returning tasks.*
    ), attempt as (
      insert into attempts (task_id, number, tenant_id, worker, started_at)
      select id, attempt, tenant_id, ${worker}, clock_timestamp() from task
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.running', json_build_object('attempt', attempt, 'lane', lane) from task
    )
    select
      id as "taskId",
      attempt,
      lease,
      tenant_id as "tenantId",
      user_id as "userId",
      lane,
      function_key as "functionKey",
      input_bytes::double precision as "inputBytes",
      forecast_by as "forecastBy",
      forecast_seconds as "forecastSeconds",
      overran_seconds as "overranSeconds",
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
      lanes.overrun_seconds as "overrunSeconds",
      reuse,
      restricted_python as "restrictedPython",
      repeatable,
      returns,
      max_attempts as "maxAttempts",
      retry_on as "retryOn",
      retry_backoff_seconds as "retryBackoffSeconds"
    from task
    join lanes on lanes.name = task.lane`
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
    with held as materialized (
      select tasks.id
      from tasks
      join unnest(
        ${leases.map(({ taskId }) => taskId)}::uuid[],
        ${leases.map(({ lease }) => lease)}::uuid[]
      ) as held (id, lease) on tasks.id = held.id and tasks.lease = held.lease
      -- In the order in which a bulk cancellation takes them.
      order by tasks.id
      for no key update of tasks
    )
    update tasks
    set lease_expires_at = now() + make_interval(secs => ${leaseSeconds})
    from held
    where tasks.id = held.id
    returning tasks.id as "taskId", tasks.cancel_requested_at is not null as "cancelRequested"`

/**
 * Makes a claim outlive a crash of the database. A claim is answered before it is on disk; one that is forgotten is given
 * to somebody else, as the same attempt. Whatever that would harm waits for this: a commit that is on disk, and with it
 * all that were before.
 *
 * @param sql - a pool whose commits are on disk when they are answered
 * @returns false when the lease is no longer ours
 */
export const confirmClaim = async (sql: Sql, claim: HeldLease): Promise<boolean> => {
  const { count } = await sql`
    update tasks set lease = lease where id = ${claim.taskId} and lease = ${claim.lease}`
  return count > 0
}

/**
 * Moves a running task to the next lane without stopping it: it no longer takes a place of the lane that it outlived.
 *
 * @returns false when the lease is no longer ours
 */
export const moveRunningTask = async (sql: Sql, claim: HeldLease, lane: Lane): Promise<boolean> => {
  const rows = await sql`
    with held as materialized (
      select task_id from turns where task_id = ${claim.taskId} for update
    ), task as (
      update tasks set lane = ${lane} from held where id = held.task_id and lease = ${claim.lease} returning tasks.*
    ), turn as (
      update turns set lane = ${lane} from task where turns.task_id = task.id
    ), event as (
      insert into events (tenant_id, task_id, type, data)
      select tenant_id, id, 'task.moved', json_build_object('attempt', attempt, 'lane', lane) from task
    )
    select from task`
  return rows.length > 0
}
