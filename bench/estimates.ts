/**
 * `npm run bench:estimates [-- --tasks N] [--quantiles 0.5,0.65,0.9]`: how well tasks find their lane, on recorded and
 * synthetic workloads, by the platform's estimator, by static thresholds, by the last value, and by an oracle. The same
 * on every machine: time is simulated, and all draws are seeded.
 *
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { EstimateSettings } from '../shared/estimates/index.ts'
import {
  createEstimatorPolicy,
  createLastValuePolicy,
  createOracle,
  createStaticPolicy,
  type Policy,
} from './estimates/policies.ts'
import { simulate } from './estimates/simulate.ts'
import { createWorkloads } from './estimates/workloads.ts'

const { values } = parseArgs({
  options: { tasks: { type: 'string', default: '10000' }, quantiles: { type: 'string' } },
})
const quantiles = values.quantiles?.split(',').map(Number) ?? [EstimateSettings.parse({}).quantile]
const policies: [string, () => Policy][] = [
  ['static', createStaticPolicy],
  ['last value', createLastValuePolicy],
  ...quantiles.map((quantile): [string, () => Policy] => [
    `estimator, p${Math.round(100 * quantile)}`,
    () => createEstimatorPolicy(quantile),
  ]),
  ['oracle', createOracle],
]

const rows = createWorkloads(Number(values.tasks)).map(({ name, tasks }) => ({
  workload: name,
  outcomes: Object.fromEntries(policies.map(([policy, create]) => [policy, simulate(tasks, create())])),
}))

const percent = (share: number) => `${(100 * share).toFixed(1)} %`
const average = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one) / numbers.length
const names = policies.map(([name]) => name)
const table = rows.map(({ workload, outcomes }) => [
  workload,
  ...names.map((name) => {
    const { misrouted = 0, overran = 0, meanSlowdown = 0 } = outcomes[name] ?? {}
    return `${percent(misrouted)} · ${percent(overran)} · ${meanSlowdown.toFixed(2)}`
  }),
])
const outcomesOf = (name: string) => rows.flatMap(({ outcomes }) => outcomes[name] ?? [])
const summary = names.map((name) => {
  const all = outcomesOf(name)
  const slowdown = Math.exp(average(all.map(({ meanSlowdown }) => Math.log(meanSlowdown))))
  return `**${percent(average(all.map(({ misrouted }) => misrouted)))} · ${percent(average(all.map(({ overran }) => overran)))} · ${slowdown.toFixed(2)}**`
})
const lines = [
  ['workload', ...names],
  ['---', ...names.map(() => '---')],
  ...table,
  ['**mean** (slowdown: geometric)', ...summary],
].map((cells) => `| ${cells.join(' | ')} |`)
console.log(`misrouted · sent to a lane they outlived · mean slowdown; ${values.tasks} tasks a workload\n`)
console.log(lines.join('\n'))

if (!values.quantiles) {
  const results = new URL('./results/', import.meta.url)
  await mkdir(results, { recursive: true })
  await writeFile(
    new URL('estimates.json', results),
    `${JSON.stringify({ tasksPerWorkload: Number(values.tasks), rows }, null, 2)}\n`,
  )
}
