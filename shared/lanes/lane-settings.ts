import { z } from 'zod'
import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import { LANES, type Lane } from './lane.ts'
import type { LaneThresholds } from './route.ts'

const count = (max: number) => z.number().int().min(1).max(max)

const Settings = z.strictObject({
  paused: z.boolean(),
  up_to_seconds: z
    .number()
    .positive()
    .max(30 * 86_400),
  overrun_seconds: z
    .number()
    .positive()
    .max(30 * 86_400),
  head_start_seconds: z.number().min(0).max(86_400),
  lookahead: z.number().min(0).max(4),
  credit_seconds: z.number().min(0).max(604_800),
  max_tasks: count(100_000_000),
  max_in_flight: count(100_000),
  tenant_max_in_flight: count(100_000),
  starts_per_minute: count(1_000_000),
  tenant_starts_per_minute: count(1_000_000),
})

/** What may be changed of a lane, while it runs; what is left out stays. No value means "without limit". */
export const LaneSettingsPatch = Settings.partial()
export type LaneSettingsPatch = z.infer<typeof LaneSettingsPatch>

/** A lane's settings, in the words of the API and of the stack file. The last lane has no end and no overrun. */
export type LaneSettings = Omit<z.infer<typeof Settings>, 'up_to_seconds' | 'overrun_seconds'> & {
  name: Lane
  up_to_seconds: number | null
  overrun_seconds: number | null
}

const settingsColumns = (sql: Sql) => sql`
  name, paused, up_to_seconds, overrun_seconds, head_start_seconds, lookahead, credit_seconds, max_tasks, max_in_flight,
  tenant_max_in_flight, starts_per_minute, tenant_starts_per_minute`

/** All lanes, the quickest first. */
export const listLanes = async (sql: Sql): Promise<LaneSettings[]> => {
  const rows = await sql<LaneSettings[]>`select ${settingsColumns(sql)} from lanes`
  return rows.sort((a, b) => LANES.indexOf(a.name) - LANES.indexOf(b.name))
}

/** Where the lanes end. */
export const thresholdsOf = (lanes: readonly LaneSettings[]): LaneThresholds => {
  const endOf = (name: Lane) => lanes.find((lane) => lane.name === name)?.up_to_seconds ?? 0
  return { highPrioritySeconds: endOf('high_priority'), defaultSeconds: endOf('default') }
}

const checkThresholds = (lanes: readonly LaneSettings[], name: Lane, patch: LaneSettingsPatch) => {
  if (name === 'long_running' && (patch.up_to_seconds !== undefined || patch.overrun_seconds !== undefined)) {
    throw new PlatformError(
      'INVALID',
      'long_running takes every task that the other lanes do not: it has no end.',
    )
  }
  const { highPrioritySeconds, defaultSeconds } = thresholdsOf(
    lanes.map((lane) =>
      lane.name === name ? { ...lane, up_to_seconds: patch.up_to_seconds ?? lane.up_to_seconds } : lane,
    ),
  )
  if (highPrioritySeconds >= defaultSeconds) {
    throw new PlatformError(
      'INVALID',
      `high_priority must end (${highPrioritySeconds} s) before default does (${defaultSeconds} s).`,
    )
  }
}

/** Changes a lane's settings at once, for all processes. @throws `INVALID` when the lanes would overlap */
export const patchLane = async (sql: Sql, name: Lane, patch: LaneSettingsPatch): Promise<LaneSettings> =>
  await sql.begin(async (transaction) => {
    const lanes = await transaction<LaneSettings[]>`select ${settingsColumns(sql)} from lanes for update`
    checkThresholds(lanes, name, patch)
    const [lane] = await transaction<[LaneSettings]>`
      update lanes
      set ${Object.keys(patch).length > 0 ? transaction(patch) : transaction`name = name`}
      where name = ${name}
      returning ${settingsColumns(sql)}`
    return lane
  })
