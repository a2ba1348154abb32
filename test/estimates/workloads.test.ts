import { describe, expect, test } from 'vitest'
import { averageOutcomes, createContest, measure } from '../../bench/estimates/compare.ts'
import { createWorkloads } from '../../bench/estimates/workloads.ts'
import { EstimateSettings } from '../../shared/estimates/index.ts'

const { quantile } = EstimateSettings.parse({})
const contest = createContest([quantile]).map(([, create]) => create)
const results = createWorkloads(2_000, 2).map((workload) => {
  const [fixed, lastValue, estimator, oracle] = contest.map((create) => measure(workload, create))
  if (!fixed || !lastValue || !estimator || !oracle) throw new Error('not all have been measured')
  return { workload: workload.name, fixed, lastValue, estimator, oracle }
})

describe.each(results)('$workload', ({ fixed, lastValue, estimator, oracle }) => {
  test('fewer tasks are sent to a wrong lane than by static thresholds or the last value', () => {
    expect(estimator.misrouted).toBeLessThan(fixed.misrouted)
    expect(estimator.misrouted).toBeLessThan(lastValue.misrouted)
    expect(oracle.misrouted).toBe(0)
  })
})

test('over all workloads tasks are less slowed down than by static thresholds or the last value', () => {
  const slowdown = (policy: 'fixed' | 'lastValue' | 'estimator' | 'oracle') =>
    averageOutcomes(results.map((result) => result[policy])).meanSlowdown
  expect(slowdown('estimator')).toBeLessThan(slowdown('fixed'))
  expect(slowdown('estimator')).toBeLessThan(slowdown('lastValue'))
  expect(slowdown('estimator')).toBeLessThan(slowdown('oracle') * 1.5)
})

test('a workload and what comes of it are the same each time', () => {
  const run = () =>
    createWorkloads(300, 1).map((workload) => contest.map((create) => measure(workload, create)))
  expect(run()).toEqual(run())
})
