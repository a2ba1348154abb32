import { type Distribution, describe, type Point } from './distribution.ts'
import type { History } from './history.ts'
import { cellAt, sizeAt } from './scale.ts'

/** A history, ready to be asked. */
export type Model = {
  /** What was measured, whatever the size. */
  points: readonly Point[]
  /** What is expected of inputs of this size; `undefined` while nothing was ever measured. */
  expect(sizeClass: number): Distribution | undefined
}

type Measured = Point & { size: number }

/** Measurements at a third or three times the size count half: a start-up time bends the law that holds further up. */
const NEARNESS = Math.log(3)
/** Before anything is known, runtimes are taken to go with size to the power of 0, give or take this. */
const SLOPE_SPREAD = 1
/** However well the measurements agree, the next may differ by this. */
const LEAST_NOISE = 0.3
/** How far a runtime may lie from the only one that was seen. */
const UNSEEN_NOISE = 0.4

/** The normal distribution's quantile, near enough. */
const deviations = (share: number) => Math.log(share / (1 - share)) / 1.702

const sumUp = (measured: readonly Measured[], read: (one: Measured) => number) =>
  measured.reduce((sum, one) => sum + one.weight * read(one), 0)

/** How value goes with size: least squares, drawn towards "not at all" while there is little to tell by. */
const fitSlope = (measured: readonly Measured[]) => {
  const weight = sumUp(measured, () => 1)
  const meanSize = sumUp(measured, ({ size }) => size) / weight
  const meanValue = sumUp(measured, ({ at }) => at) / weight
  const sizes = sumUp(measured, ({ size }) => (size - meanSize) ** 2)
  const both = sumUp(measured, ({ size, at }) => (size - meanSize) * (at - meanValue))
  const values = sumUp(measured, ({ at }) => (at - meanValue) ** 2)
  const unexplained = sizes > 0 ? values - both ** 2 / sizes : values
  const noise = Math.max(LEAST_NOISE ** 2, unexplained / weight)
  const certainty = sizes + noise / SLOPE_SPREAD ** 2
  // Larger inputs that run shorter are chance, or something else that goes with size: not to be relied on.
  return { slope: Math.max(0, both / certainty), slopeError: Math.sqrt(noise / certainty), meanSize }
}

/**
 * Fits a model to a history: what was measured at other sizes is moved to the size asked for along the fitted slope, and
 * counts less the further away it was. Where size explains nothing, the plain quantiles are what is left.
 *
 * @param quantile - the share of runs that the `asked` value is to cover
 */
export const createModel = (history: History, quantile: number): Model => {
  const measured = history.cells.map((number, index): Measured => {
    const { size, value, atLeast } = cellAt(number)
    return { size, at: value, atLeast, weight: history.weights[index] ?? 0 }
  })
  if (measured.length === 0) return { points: measured, expect: () => undefined }
  const { slope, slopeError, meanSize } = fitSlope(measured)
  const known = new Map<number, Distribution>()

  const expectAt = (size: number): Distribution => {
    const plain = describe(
      measured.map(({ size: seenSize, at, weight, atLeast }) => {
        const distance = size - seenSize
        return { at: at + slope * distance, weight: weight / (1 + (distance / NEARNESS) ** 2), atLeast }
      }),
      quantile,
    )
    const { median, weight } = plain
    const unsure = Math.hypot(slopeError * (size - meanSize), UNSEEN_NOISE / Math.sqrt(weight))
    const widen = (value: number, share: number) =>
      median + Math.sign(share - 0.5) * Math.hypot(value - median, deviations(share) * unsure)
    return {
      low: widen(plain.low, 0.1),
      median,
      asked: widen(plain.asked, quantile),
      high: widen(plain.high, 0.9),
      weight,
    }
  }

  return {
    points: measured,
    expect: (sizeClass) => {
      const expected = known.get(sizeClass) ?? expectAt(sizeAt(sizeClass))
      known.set(sizeClass, expected)
      return expected
    },
  }
}
