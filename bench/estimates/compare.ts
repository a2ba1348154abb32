import {
  createEstimatorPolicy,
  createLastValuePolicy,
  createOracle,
  createStaticPolicy,
  type Policy,
} from './policies.ts'
import { type Outcome, simulate } from './simulate.ts'
import type { Workload } from './workloads.ts'

/** What is compared, by name; the estimator once for each quantile. */
export const createContest = (quantiles: readonly number[]): [string, () => Policy][] => [
  ['static thresholds', createStaticPolicy],
  ['last value', createLastValuePolicy],
  ...quantiles.map((quantile): [string, () => Policy] => [
    `estimator, p${Math.round(100 * quantile)}`,
    () => createEstimatorPolicy(quantile),
  ]),
  ['oracle', createOracle],
]

const average = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length

/** Shares on average, slowdowns by their geometric mean: no single bad one decides. */
export const averageOutcomes = (outcomes: readonly Outcome[]): Outcome => ({
  misrouted: average(outcomes.map(({ misrouted }) => misrouted)),
  overran: average(outcomes.map(({ overran }) => overran)),
  meanSlowdown: Math.exp(average(outcomes.map(({ meanSlowdown }) => Math.log(meanSlowdown)))),
})

/** How a policy does on a workload, each replica from a blank start. */
export const measure = ({ replicas }: Workload, createPolicy: () => Policy): Outcome =>
  averageOutcomes(replicas.map((tasks) => simulate(tasks, createPolicy())))
