import type { History } from './history.ts'

export type Interval = { start: number; end: number }

/** The most intervals that hold at one moment; where one ends another may begin. */
export const countOverlaps = (intervals: readonly Interval[]): number => {
  const changes = intervals.flatMap(({ start, end }) => [
    { at: start, by: 1 },
    { at: end, by: -1 },
  ])
  changes.sort((a, b) => a.at - b.at || a.by - b.by)
  let now = 0
  let most = 0
  for (const { by } of changes) {
    now += by
    most = Math.max(most, now)
  }
  return most
}

const inHand = ({ attempts }: History): Interval[] =>
  attempts.map(({ startedAt, endedAt }) => ({ start: startedAt, end: endedAt ?? Infinity }))

/** Where more tasks of a concurrency key were in hand at one moment, by the database's clock, than its limit. */
export const findBrokenKeys = (histories: readonly History[]): string[] => {
  const groups = Map.groupBy(
    histories.filter(({ concurrencyKey }) => concurrencyKey !== null),
    ({ tenantId, concurrencyKey }) => `${tenantId} ${concurrencyKey}`,
  )
  return [...groups].flatMap(([key, members]) => {
    const most = countOverlaps(members.flatMap(inHand))
    const limit = members[0]?.concurrencyLimit ?? 0
    return most > limit ? [`${key}: ${most} tasks at once`] : []
  })
}

/** An attempt in the lane where it was claimed: until its end, or until it moved. */
const inLane = ({ attempts, events }: History): (Interval & { lane: string })[] => {
  const starts = events.filter(({ type }) => type === 'task.running')
  return attempts.map(({ number, startedAt, endedAt }) => {
    const lane = starts.find(({ data }) => data.attempt === number)?.data.lane ?? ''
    const moved = events.find(({ type, data }) => type === 'task.moved' && data.attempt === number)
    return { lane, start: startedAt, end: moved?.at ?? endedAt ?? Infinity }
  })
}

/** Where a tenant had more tasks of a lane in hand at one moment than the lane's limit for a tenant. */
export const findBrokenTenantLimits = (
  histories: readonly History[],
  limits: Readonly<Record<string, number>>,
): string[] => {
  const places = histories.flatMap((history) =>
    inLane(history).map((place) => ({ ...place, key: `${history.tenantId} ${place.lane}` })),
  )
  return [...Map.groupBy(places, ({ key }) => key)].flatMap(([key, members]) => {
    const most = countOverlaps(members)
    const limit = limits[members[0]?.lane ?? ''] ?? 0
    return most > limit ? [`${key}: ${most} tasks at once`] : []
  })
}
