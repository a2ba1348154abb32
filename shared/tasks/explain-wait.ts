import type { Sql } from '../database/index.ts'
import type { Task } from './task.ts'

export const WAIT_REASONS = [
  /** Its time (`run_at`, or the pause before another attempt) has not come. */
  'time',
  /** Others with its concurrency key are in hand. */
  'concurrency_key',
  /** A worker takes it next. */
  'worker',
  'lane_paused',
  'lane_throttled',
  /** As many tasks of the lane are in hand as it may have, or as its workers have slots for. */
  'lane_busy',
  'no_workers',
  'tenant_limit',
  'tenant_throttled',
  /** There is room in the lane: it starts within moments. */
  'turn',
] as const
export type WaitReason = (typeof WAIT_REASONS)[number]

export type Wait = {
  reason: WaitReason
  /** Earlier tasks of the same tenant in the same lane, counted up to a bound; null unless it waits for its turn. */
  ahead: number | null
  until: Date | null
}

/** Why a queued task has not started, and how many of its tenant's tasks are before it. `undefined`: it does not wait. */
export const explainWait = async (sql: Sql, task: Task, countAtMost: number): Promise<Wait | undefined> => {
  const [row] = await sql<[{ reason: WaitReason; ahead: number; until: Date | null }?]>`
    with slots as (
      select coalesce(sum((slots ->> ${task.lane})::integer), 0) as total
      from workers
      where alive_until > now() and not draining
        and (level = 'kernel' or 'kernel' <> (select sandbox_floor from turns where task_id = ${task.id}))
    ), in_hand as (
      select count(*) as lane, count(*) filter (where tenant_id = ${task.tenantId}) as tenant
      from turns
      where lane = ${task.lane} and stage in ('admitted', 'running')
    )
    select
      case
        when turn.stage = 'scheduled' then 'time'
        when turn.stage = 'parked' then 'concurrency_key'
        when turn.stage = 'admitted' then 'worker'
        when lane.paused then 'lane_paused'
        when slots.total = 0 then 'no_workers'
        when in_hand.tenant >= coalesce(share.max_in_flight, lane.tenant_max_in_flight) then 'tenant_limit'
        when start_credit(
          share.start_credit, share.credited_at, coalesce(share.starts_per_minute, lane.tenant_starts_per_minute)
        ) < 1 then 'tenant_throttled'
        when in_hand.lane >= least(lane.max_in_flight, ceil(slots.total * (1 + lane.lookahead))) then 'lane_busy'
        when start_credit(lane.start_credit, lane.credited_at, lane.starts_per_minute) < 1 then 'lane_throttled'
        else 'turn'
      end as reason,
      (
        select count(*)::integer
        from (
          select from turns earlier
          where earlier.lane = turn.lane and earlier.tenant_id = turn.tenant_id and earlier.stage = 'waiting'
            and (earlier.turn_at, earlier.task_id) < (turn.turn_at, turn.task_id)
          limit ${countAtMost}
        ) counted
      ) as ahead,
      case turn.stage when 'scheduled' then turn.run_at end as until
    from turns turn
    join lanes lane on lane.name = turn.lane
    left join lane_shares share on share.lane = turn.lane and share.tenant_id = turn.tenant_id
    cross join slots
    cross join in_hand
    where turn.task_id = ${task.id} and turn.stage <> 'running'`
  if (!row) return undefined
  const { reason, ahead, until } = row
  const ordered = reason !== 'time' && reason !== 'concurrency_key' && reason !== 'worker'
  return { reason, ahead: ordered ? ahead : null, until }
}
