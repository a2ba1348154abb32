/**
 * `node bench/sandbox.ts [engine …]`: what isolation costs, beside a bare interpreter measured in the same run, with
 * the same interpreter, on the same cores. Prints a table and keeps it in `bench/results/sandbox.json`.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { goToolPath } from '../setup/go-tools.mjs'
import { cacheDir, isExecutable } from '../setup/paths.mjs'
import { ensureDefaultEnvironment } from '../shared/environments/index.ts'
import { ENGINE_NAMES, type EngineName, type SandboxConfigInput } from '../shared/sandbox/config.ts'
import { limitsFor, openSandboxes, type Sandboxes } from '../shared/sandbox/index.ts'
import { createLogger } from '../shared/telemetry/logger.ts'
import { percentiles } from './statistics.ts'

type Row = { figure: string; value: number; unit: string; floor?: number; ratio?: number; goal?: string }

const SAMPLES = 100
const COLD_SAMPLES = 15
const RATE_MS = 4_000
const CONCURRENCY = 2 * availableParallelism()
const NOOP = 'def noop():\n    return None\n'

const environment = await ensureDefaultEnvironment({ dataDir: cacheDir })
const logger = createLogger('bench', 'error')
const rows: Row[] = []
const compare = (figure: string, value: number, unit: string, floor: number, goal = '') =>
  rows.push({ figure, value, unit, floor, ratio: value / floor, goal })

const sample = async (count: number, act: () => Promise<unknown>) => {
  const samples: number[] = []
  for (let index = -3; index < count; index++) {
    const start = performance.now()
    await act()
    if (index >= 0) samples.push(performance.now() - start)
  }
  return percentiles(samples).p50
}

const measureRate = async (act: () => Promise<unknown>) => {
  let done = 0
  const start = performance.now()
  const work = async () => {
    for (; performance.now() < start + RATE_MS; done++) await act()
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  return done / ((performance.now() - start) / 1_000)
}

/** The sandboxes' interpreter, seen from outside. */
const findOutside = (path: string): string => {
  const mount = environment.mounts.find(({ target }) => path.startsWith(`${target}/`))
  return join(mount?.source ?? '/', path.slice(mount?.target.length ?? 0))
}
const runBare = async (args: string[], env: Record<string, string> = {}) => {
  await once(spawn(findOutside(environment.python), args, { stdio: 'ignore', env }), 'exit')
}
const importNumpy = () =>
  runBare(['-c', 'import numpy'], {
    PYTHONPATH: environment.sitePackages.map((path) => findOutside(`${path}/`)).join(':'),
    OPENBLAS_NUM_THREADS: '1',
  })

const runNoop = async (sandboxes: Sandboxes, reuse: 'tenant' | 'never') => {
  const { status } = await sandboxes.run(
    {
      tenantId: 'bench',
      runId: 'bench',
      environment,
      limits: limitsFor(),
      reuse,
      source: NOOP,
      handler: 'noop',
      inputs: '{}',
      files: [],
    },
    { log: () => undefined, progress: () => undefined, file: async () => undefined },
    new AbortController().signal,
  )
  if (status !== 'completed') throw new Error(`a no-op ended as ${status}`)
}

const withSandboxes = async (
  config: SandboxConfigInput,
  modules: string[],
  use: (sandboxes: Sandboxes) => Promise<void>,
) => {
  // Nothing started ahead: cold is cold.
  const warm = {
    minBlank: 0,
    maxBlank: 0,
    maxIdle: 64,
    maxIdleMemoryMb: 16_384,
    idleSeconds: 60,
    maxRuns: 100_000,
  }
  const sandboxes = await openSandboxes({
    logger,
    preload: [{ environment, modules }],
    config: { ...config, warm },
  })
  try {
    await use(sandboxes)
  } finally {
    await sandboxes.close()
  }
}

const measureEngine = async (name: EngineName, config: SandboxConfigInput) => {
  console.log(`${name} …`)
  const bare = await sample(SAMPLES, () => runBare(['-I', '-c', 'pass']))
  const bareRate = await measureRate(() => runBare(['-I', '-c', 'pass']))
  const numpyRate = await measureRate(importNumpy)
  const coldGoal = name === 'bubblewrap' ? '≤ 2.5' : ''
  const warmGoal = name === 'bubblewrap' ? '≤ 0.3' : ''
  await withSandboxes(config, [], async (sandboxes) => {
    compare(
      `${name}: no-op, cold, p50`,
      await sample(COLD_SAMPLES, () => runNoop(sandboxes, 'never')),
      'ms',
      bare,
      coldGoal,
    )
    compare(
      `${name}: no-op, warm, p50`,
      await sample(SAMPLES, () => runNoop(sandboxes, 'tenant')),
      'ms',
      bare,
      warmGoal,
    )
    await measureRate(() => runNoop(sandboxes, 'tenant'))
    const rate = await measureRate(() => runNoop(sandboxes, 'tenant'))
    compare(`${name}: runs, all cores`, rate, '1/s', bareRate, name === 'bubblewrap' ? '≥ 3' : '')
  })
  await withSandboxes(config, ['numpy'], async (sandboxes) => {
    await measureRate(() => runNoop(sandboxes, 'tenant'))
    const rate = await measureRate(() => runNoop(sandboxes, 'tenant'))
    compare(`${name}: runs with NumPy imported`, rate, '1/s', numpyRate, name === 'bubblewrap' ? '≥ 8' : '')
    const { idle, idleMemoryMb } = sandboxes.count()
    rows.push({ figure: `${name}: memory of an idle warm sandbox`, value: idleMemoryMb / idle, unit: 'MB' })
  })
}

const installed: Partial<Record<EngineName, SandboxConfigInput>> = {
  bubblewrap: {},
  ...(isExecutable('/usr/sbin/runc') && { runc: {} }),
  ...(isExecutable(goToolPath('runsc')) && { runsc: { enginePath: goToolPath('runsc') } }),
}
const asked = process.argv.slice(2)
for (const name of ENGINE_NAMES) {
  const config = installed[name]
  if (config !== undefined && (asked.length === 0 || asked.includes(name)))
    await measureEngine(name, { ...config, engine: name })
}

console.table(
  rows.map(({ figure, value, unit, floor, ratio, goal }) => ({
    figure,
    value: `${value.toFixed(1)} ${unit}`,
    bare: floor === undefined ? '' : `${floor.toFixed(1)} ${unit}`,
    ratio: ratio === undefined ? '' : ratio.toFixed(2),
    goal: goal ?? '',
  })),
)
const results = new URL('./results/', import.meta.url)
await mkdir(results, { recursive: true })
await writeFile(new URL('sandbox.json', results), `${JSON.stringify(rows, null, 2)}\n`)
