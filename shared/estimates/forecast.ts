import { type Distribution, describe, type Point } from './distribution.ts'
import type { Model } from './model.ts'

/** A runtime that somebody named before the task ran. */
export type Forecast = { by: 'caller' | 'manifest' | 'tier'; seconds: number }

/** So much trust comes first: a forecast is as good as one that was right. */
const CREDIT: Point = { at: 0, weight: 1, atLeast: false }
/** With so many observations of its own a record stands alone; what it lacks is borrowed from the next, more general one. */
const ENOUGH = 4

/**
 * By which factor runs outlast what was forecast for them, on a logarithmic axis.
 *
 * @param records - how earlier forecasts turned out, the most specific first
 */
export const expectError = (records: readonly Model[], quantile: number): Distribution => {
  const points = [CREDIT]
  let weight = 0
  for (const [index, record] of records.entries()) {
    const own = record.points.reduce((sum, point) => sum + point.weight, 0)
    const taken = index === 0 ? own : Math.min(own, ENOUGH - weight)
    if (taken <= 0) continue
    weight += taken
    for (const point of record.points) points.push({ ...point, weight: (point.weight * taken) / own })
  }
  return describe(points, quantile)
}
