/** A value that was measured, or one that the true value was at least; on a logarithmic axis. */
export type Point = { at: number; weight: number; atLeast: boolean }

/** What is expected, on a logarithmic axis. */
export type Distribution = {
  /** A tenth of the values is expected below. */
  low: number
  median: number
  /** The quantile that was asked for. */
  asked: number
  /** A tenth of the values is expected above. */
  high: number
  /** How many observations stand behind it. */
  weight: number
}

/** Beyond the last lower bound nothing is known: a run that was stopped there is taken to have had as much before it. */
const BEYOND = Math.LN2

const isInOrder = (a: Point, b: Point) => a.at - b.at || Number(a.atLeast) - Number(b.atLeast)

/**
 * Quantiles by Kaplan and Meier's estimator: a lower bound counts for every value above it.
 *
 * @param points - at least one
 * @param shares - between 0 and 1
 */
export const findQuantiles = (points: readonly Point[], shares: readonly number[]): number[] => {
  const sorted = [...points].sort(isInOrder)
  const last = sorted.at(-1)
  const beyond = last === undefined ? 0 : last.atLeast ? last.at + BEYOND : last.at
  const found = shares.map(() => beyond)
  let remaining = sorted.reduce((sum, { weight }) => sum + weight, 0)
  let above = 1
  for (const { at, weight, atLeast } of sorted) {
    if (!atLeast) {
      const next = above * Math.max(0, 1 - weight / remaining)
      for (const [index, share] of shares.entries()) {
        // A hair's breadth, so that rounding does not push a quantile on to the next value.
        const wanted = 1 - share + 1e-9
        if (above > wanted && next <= wanted) found[index] = at
      }
      above = next
    }
    remaining -= weight
  }
  return found
}

/**
 * Sums points up.
 *
 * @param points - at least one
 */
export const describe = (points: readonly Point[], quantile: number): Distribution => {
  const [low = 0, median = 0, asked = 0, high = 0] = findQuantiles(points, [0.1, 0.5, quantile, 0.9])
  return { low, median, asked, high, weight: points.reduce((sum, { weight }) => sum + weight, 0) }
}
