import type { Sql } from '../database/index.ts'
import type { Lane } from './lane.ts'

/** What a dispatcher learnt since it last asked. */
export type AdmissionNews = {
  /** Tenants that may have something waiting, and the worker-seconds to settle: used less charged. */
  settlements: readonly { tenantId: string; seconds: number }[]
  /** Concurrency keys that may have become free. */
  freedKeys: readonly { tenantId: string; key: string }[]
}

/**
 * Admits as many tasks of a lane as it has room for, `most` at most, fairly between tenants. The rule stands in the
 * function `admit_turns` of the migration that made the lanes: one round trip, one caller at a time per lane.
 *
 * @returns the admitted tasks, to be announced to the queue
 */
export const admitTurns = async (
  sql: Sql,
  lane: Lane,
  { settlements, freedKeys }: AdmissionNews,
  most: number,
): Promise<{ taskId: string; attempt: number }[]> =>
  await sql<{ taskId: string; attempt: number }[]>`
    select task_id as "taskId", attempt
    from admit_turns(
      ${lane},
      ${settlements.map(({ tenantId }) => tenantId)}::uuid[],
      ${settlements.map(({ seconds }) => seconds)}::double precision[],
      ${freedKeys.map(({ tenantId }) => tenantId)}::uuid[],
      ${freedKeys.map(({ key }) => key)}::text[],
      ${most}
    )`
