/**
 * `npm run test:chaos [-- --seeds 20 --tasks 10000]`: the chaos suite at full size. `CHAOS_SEED=…` repeats a schedule.
 *
 * @module
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type ChaosReport, runChaos } from './run-chaos.ts'

const MAX_SHOWN = 40

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    tasks: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '50' },
    pause: { type: 'string', default: '1500' },
    quiet: { type: 'boolean', default: false },
  },
})

const print = (seed: number, { faults, figures, inflicted, directory }: ChaosReport) => {
  console.log(
    `seed ${seed}: ${faults.length === 0 ? 'every promise kept' : `${faults.length} FAULTS, logs in ${directory}`}`,
  )
  console.log(
    Object.entries(figures)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
  )
  console.log(
    Object.entries(inflicted)
      .map(([name, times]) => `${times} × ${name}`)
      .join(', '),
  )
  for (const fault of faults.slice(0, MAX_SHOWN)) console.log(`  ${fault}`)
}

const first = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31))
const failed: number[] = []
for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
  console.log(`seed ${seed}: CHAOS_SEED=${seed} npm run test:chaos repeats its schedule`)
  const report = await runChaos({
    seed,
    taskCount: Number(values.tasks),
    perSecond: Number(values.rate),
    pauseMs: Number(values.pause),
    say: values.quiet ? () => {} : (text) => console.log(`  ${text}`),
  })
  print(seed, report)
  if (report.faults.length > 0) failed.push(seed)
}
console.log(failed.length === 0 ? `${values.seeds} seeds, no fault` : `failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
