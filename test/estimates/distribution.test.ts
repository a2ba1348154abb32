import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findQuantiles, type Point } from '../../shared/estimates/distribution.ts'

const SHARES = [0.1, 0.5, 0.65, 0.9]

const measured = (at: number, weight = 1): Point => ({ at, weight, atLeast: false })
const atLeast = (at: number, weight = 1): Point => ({ at, weight, atLeast: true })

const anyPoint = fc.record({
  at: fc.integer({ min: -100, max: 100 }).map((tenths) => tenths / 10),
  weight: fc.double({ min: 0.01, max: 10, noNaN: true }),
  atLeast: fc.boolean(),
})
const anyPoints = fc.array(anyPoint, { minLength: 1, maxLength: 40 })

test('without lower bounds the quantiles are those of the values', () => {
  const points = [5, 1, 4, 2, 3].map((at) => measured(at))
  expect(findQuantiles(points, [0.2, 0.5, 0.8, 1])).toEqual([1, 3, 4, 5])
})

test('a value counts by its weight', () => {
  expect(findQuantiles([measured(1, 9), measured(2, 1)], [0.9, 0.91])).toEqual([1, 2])
})

test('a run that was stopped counts among those that took longer, not as one that ended there', () => {
  const stopped = [1, 2, 3, 4].map((at) => measured(at)).concat([atLeast(2.5), atLeast(2.5)])
  const ended = [1, 2, 3, 4].map((at) => measured(at)).concat([measured(2.5), measured(2.5)])
  expect(findQuantiles(ended, [0.5])).toEqual([2.5])
  expect(findQuantiles(stopped, [0.5])).toEqual([3])
})

test('where only stopped runs are left, twice as long as the longest of them is expected', () => {
  expect(findQuantiles([atLeast(0), atLeast(3)], [0.5])).toEqual([3 + Math.LN2])
})

test('a higher share never has a lower quantile', () => {
  fc.assert(
    fc.property(anyPoints, (points) => {
      const found = findQuantiles(points, SHARES)
      expect(found).toEqual([...found].sort((a, b) => a - b))
    }),
  )
})

test('the order of the points does not matter', () => {
  fc.assert(
    fc.property(anyPoints, (points) => {
      const backwards = findQuantiles([...points].reverse(), SHARES)
      for (const [index, value] of findQuantiles(points, SHARES).entries()) {
        expect(backwards[index]).toBeCloseTo(value, 9)
      }
    }),
  )
})

const replaceOne = (points: readonly Point[], chosen: number, change: (point: Point) => Point) =>
  points.map((point, index) => (index === chosen % points.length ? change(point) : point))

const expectNoneLower = (before: readonly Point[], after: readonly Point[]) => {
  const found = findQuantiles(after, SHARES)
  for (const [index, value] of findQuantiles(before, SHARES).entries()) {
    expect(found[index]).toBeGreaterThanOrEqual(value - 1e-9)
  }
}

test('a run that takes longer never lowers a quantile', () => {
  const anyMeasured = anyPoints.map((points) => points.map((point) => ({ ...point, atLeast: false })))
  fc.assert(
    fc.property(anyMeasured, fc.nat(), fc.integer({ min: 0, max: 50 }), (points, chosen, tenths) => {
      const longer = replaceOne(points, chosen, (point) => ({ ...point, at: point.at + tenths / 10 }))
      expectNoneLower(points, longer)
    }),
  )
})

test('a run that was stopped never lowers a quantile below what it would be had it ended there', () => {
  fc.assert(
    fc.property(anyPoints, fc.nat(), (points, chosen) => {
      expectNoneLower(
        points,
        replaceOne(points, chosen, (point) => ({ ...point, atLeast: true })),
      )
    }),
  )
})
