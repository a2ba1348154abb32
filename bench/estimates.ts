/**
 * `npm run bench:estimates [-- --tasks N --quantiles 0.5,0.7,0.9]`: how well tasks find their lane, on recorded and on
 * synthetic workloads, by the platform's estimator, static thresholds, the last value, and an oracle. The same on every
 * machine: time is simulated and all draws are seeded.
 *
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { EstimateSettings } from '../shared/estimates/index.ts'
import { averageOutcomes, createContest, measure } from './estimates/compare.ts'
import type { Outcome } from './estimates/simulate.ts'
import { createWorkloads } from './estimates/workloads.ts'

const REPLICAS = 3

const { values } = parseArgs({
  options: { tasks: { type: 'string', default: '10000' }, quantiles: { type: 'string' } },
})
const tasksPerReplica = Number(values.tasks)
const quantiles = values.quantiles?.split(',').map(Number) ?? [EstimateSettings.parse({}).quantile]
const contest = createContest(quantiles)

const rows = createWorkloads(tasksPerReplica, REPLICAS).map((workload) => {
  console.error(`${workload.name} …`)
  return { workload: workload.name, outcomes: contest.map(([, create]) => measure(workload, create)) }
})

const format = ({ misrouted, overran, meanSlowdown }: Outcome) =>
  `${(100 * misrouted).toFixed(1)} % · ${(100 * overran).toFixed(1)} % · ${meanSlowdown.toFixed(2)}`
const overall = contest.map((_, index) =>
  averageOutcomes(rows.flatMap(({ outcomes }) => outcomes[index] ?? [])),
)
const lines = [
  ['workload', ...contest.map(([name]) => name)],
  ['---', ...contest.map(() => '---')],
  ...rows.map(({ workload, outcomes }) => [workload, ...outcomes.map(format)]),
  ['**all**', ...overall.map((outcome) => `**${format(outcome)}**`)],
]
console.log('misrouted · sent to a lane that they outlived · mean slowdown')
for (const cells of lines) console.log(`| ${cells.join(' | ')} |`)

if (values.quantiles === undefined) {
  const results = new URL('./results/', import.meta.url)
  await mkdir(results, { recursive: true })
  const named = (outcomes: readonly Outcome[]) =>
    Object.fromEntries(contest.map(([name], index) => [name, outcomes[index]]))
  const report = {
    tasksPerReplica,
    replicas: REPLICAS,
    workloads: Object.fromEntries(rows.map(({ workload, outcomes }) => [workload, named(outcomes)])),
    all: named(overall),
  }
  await writeFile(new URL('estimates.json', results), `${JSON.stringify(report, null, 2)}\n`)
}
