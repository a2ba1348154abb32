import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { LANES, type Lane } from './lane.ts'
import { type LaneSettings, listLanes, thresholdsOf } from './lane-settings.ts'
import type { LaneThresholds } from './route.ts'

/** How many tasks each lane holds that have not ended, over all tenants. */
export const countTasks = async (sql: Sql): Promise<Record<Lane, number>> => {
  const rows = await sql<{ lane: Lane; tasks: number }[]>`
    select lane, sum(tasks)::double precision as tasks from lane_loads group by lane`
  const counts = new Map(rows.map(({ lane, tasks }) => [lane, tasks]))
  return Object.fromEntries(LANES.map((lane) => [lane, counts.get(lane) ?? 0])) as Record<Lane, number>
}

export type LaneGate = {
  thresholds(): Promise<LaneThresholds>
  /** @throws `LANE_FULL` when the lane holds as many tasks as it may, or would with `tasks` more */
  enter(lane: Lane, tasks: number): Promise<void>
}

/** While submissions come, settings and counts are looked at so often; the first after a pause looks afresh. */
const FRESH_MS = 500
const FULL_RETRY_SECONDS = 10

/**
 * The gateway's view of the lanes: their thresholds, and whether there is room for one more task. Costs a submission
 * nothing but every half second a look at the counters; what this process lets in meanwhile it counts itself.
 */
export const createLaneGate = (sql: Sql, logger: Logger): LaneGate => {
  type View = { lanes: readonly LaneSettings[]; tasks: Record<Lane, number>; readAt: number }
  let view: Promise<View> | undefined
  const read = async (): Promise<View> => {
    const [lanes, tasks] = await Promise.all([listLanes(sql), countTasks(sql)])
    return { lanes, tasks, readAt: performance.now() }
  }
  const look = async (): Promise<View> => {
    const known = view
    const seen = await known?.catch(() => undefined)
    if (seen && performance.now() - seen.readAt < FRESH_MS) return seen
    if (view === known) {
      view = read()
      view.catch((error: unknown) => {
        logger.warn({ error }, 'the lanes could not be read')
        view = undefined
      })
    }
    return await (view ?? read())
  }
  return {
    thresholds: async () => thresholdsOf((await look()).lanes),
    enter: async (lane, tasks) => {
      const seen = await look()
      const max = seen.lanes.find(({ name }) => name === lane)?.max_tasks ?? 0
      if (seen.tasks[lane] + tasks > max) {
        throw new PlatformError(
          'LANE_FULL',
          `The lane ${lane} is full: it holds ${seen.tasks[lane]} of at most ${max} tasks. Submit again in ${FULL_RETRY_SECONDS} s.`,
          { retryAfterSeconds: FULL_RETRY_SECONDS },
        )
      }
      seen.tasks[lane] += tasks
    },
  }
}
