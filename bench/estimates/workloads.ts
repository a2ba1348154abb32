import { createRandom, createZipf, type Random } from './random.ts'
import recorded from './recorded.json' with { type: 'json' }

export type SimulatedTask = {
  tenantId: string
  userId: string
  functionKey: string
  inputBytes: number
  seconds: number
  callerSeconds?: number
  tierSeconds: number
}

/** Some thousand tasks; chance has its say in which functions they call, so there are replicas. */
export type Workload = { name: string; replicas: readonly (readonly SimulatedTask[])[] }

type Run = { inputBytes: number; seconds: number }

/** Draws a run of one function; `progress` grows by 1 while a drift takes its course. */
type SimulatedFunction = (random: Random, progress: number) => Run

const SHORTEST_SECONDS = 0.005
const LONGEST_SECONDS = 4 * 3_600
const TENANTS = 5
const USERS_OF_TENANT = 4
const POPULARITY = 1.1
const TASKS_OF_A_DRIFT = 10_000

const within = (seconds: number) => Math.min(LONGEST_SECONDS, Math.max(SHORTEST_SECONDS, seconds))

/** What a tier stands for. Authors pick it after a run or two, and are right about the order of magnitude. */
const pickTier = (run: Run, random: Random): number => {
  const guessed = run.seconds * random.lognormal(1, 1.5)
  if (guessed < 5) return 2
  return guessed < 300 ? 30 : 600
}

/** `count` tasks of some functions, a few of which are called far more often than the others. */
const mix = (
  count: number,
  seed: number,
  createFunctions: (random: Random) => SimulatedFunction[],
): SimulatedTask[] => {
  const random = createRandom(seed)
  const functions = createFunctions(random)
  const tiers = functions.map((run) => pickTier(run(random, 0), random))
  const pickFunction = createZipf(functions.length, POPULARITY, random)
  return Array.from({ length: count }, (_, index) => {
    const rank = pickFunction()
    const { inputBytes, seconds } = functions[rank]?.(random, index / TASKS_OF_A_DRIFT) ?? {
      inputBytes: 0,
      seconds: 1,
    }
    const tenant = rank % TENANTS
    return {
      tenantId: `tenant-${tenant}`,
      userId: `user-${tenant}-${Math.floor(random.uniform() * USERS_OF_TENANT)}`,
      functionKey: `function-${rank}`,
      inputBytes: Math.round(inputBytes),
      seconds: within(seconds),
      tierSeconds: tiers[rank] ?? 30,
    }
  })
}

const make = (number: number, create: (random: Random) => SimulatedFunction) => (random: Random) =>
  Array.from({ length: number }, () => create(random))

const drawJsonBytes = (random: Random) => random.lognormal(400, 0.5)

/** Functions differ by orders of magnitude and half of them run below a second, as on Azure (Shahrad et al., ATC 2020). */
const drawTypicalSeconds = (random: Random) => random.lognormal(1, 2.4)

const lognormal = (count: number, seed: number) =>
  mix(
    count,
    seed,
    make(40, (setup) => {
      const median = drawTypicalSeconds(setup)
      return (random) => ({ inputBytes: drawJsonBytes(random), seconds: random.lognormal(median, 1.2) })
    }),
  )

const pareto = (count: number, seed: number) =>
  mix(
    count,
    seed,
    make(40, (setup) => {
      const lowest = setup.lognormal(0.5, 2)
      const alpha = 1.1 + setup.uniform()
      return (random) => ({ inputBytes: drawJsonBytes(random), seconds: random.pareto(lowest, alpha) })
    }),
  )

// A start-up time, and a power of the size: reading a file is linear, a dense solver cubic in its mesh.
const inputDependent = (count: number, seed: number) =>
  mix(
    count,
    seed,
    make(40, (setup) => {
      const startSeconds = setup.lognormal(0.2, 0.7)
      const exponent = setup.pick([1, 1.5, 2, 3])
      const typicalBytes = setup.lognormal(200_000, 1)
      const typicalSeconds = setup.lognormal(10, 1.2)
      return (random) => {
        const inputBytes = random.lognormal(typicalBytes, 1.5)
        const seconds = startSeconds + typicalSeconds * (inputBytes / typicalBytes) ** exponent
        return { inputBytes, seconds: random.lognormal(seconds, 0.25) }
      }
    }),
  )

const bimodal = (count: number, seed: number) =>
  mix(
    count,
    seed,
    make(40, (setup) => {
      const quick = setup.lognormal(0.3, 0.8)
      const slow = quick * setup.lognormal(100, 0.7)
      const slowShare = setup.pick([0.02, 0.05, 0.2, 0.5, 0.8])
      return (random) => ({
        inputBytes: drawJsonBytes(random),
        seconds: random.lognormal(random.uniform() < slowShare ? slow : quick, 0.3),
      })
    }),
  )

const STEPS = [1, 10, 0.5, 5, 0.2] as const

const DRIFTS: readonly [Drift, ...Drift[]] = [
  (progress) => 30 ** (progress - 0.5),
  (progress) => 30 ** (0.5 - progress),
  (progress, phase) => STEPS[Math.floor((progress + phase) * STEPS.length) % STEPS.length] ?? 1,
  (progress, phase) => 5 ** Math.sin(2 * Math.PI * (2 * progress + phase)),
]
type Drift = (progress: number, phase: number) => number

const drifting = (count: number, seed: number) =>
  mix(
    count,
    seed,
    make(30, (setup) => {
      const median = setup.lognormal(5, 1.5)
      const drift = setup.pick(DRIFTS)
      const phase = setup.uniform()
      return (random, progress) => ({
        inputBytes: drawJsonBytes(random),
        seconds: random.lognormal(median * drift(progress, phase), 0.6),
      })
    }),
  )

const manyFunctions = (count: number, seed: number) =>
  mix(
    count,
    seed,
    make(500, (setup) => {
      const median = drawTypicalSeconds(setup)
      const sigma = 0.1 + 0.8 * setup.uniform()
      const exponent = setup.uniform() < 0.4 ? setup.pick([0.5, 1, 2]) : 0
      return (random) => {
        const scale = random.lognormal(1, 1.2)
        return { inputBytes: 20_000 * scale, seconds: random.lognormal(median * scale ** exponent, sigma) }
      }
    }),
  )

/** A tenant's four users: right within a third, always "1 s", fifty times too much, and anything at all. */
const lyingCallers = (count: number, seed: number) => {
  const random = createRandom(-seed)
  const tasks = mix(
    count,
    seed,
    make(60, (setup) => {
      const median = 3 * drawTypicalSeconds(setup)
      return (draw) => ({ inputBytes: drawJsonBytes(draw), seconds: draw.lognormal(median, 1.5) })
    }),
  )
  return tasks.map((task) => {
    const said = [task.seconds * random.lognormal(1, 0.3), 1, 50 * task.seconds, random.lognormal(10, 3)]
    return { ...task, callerSeconds: within(said[Number(task.userId.at(-1))] ?? 1) }
  })
}

/** Code that is written anew for every task, so that no function is ever seen twice, in the default tier. */
const freshCode = (count: number, seed: number) => {
  const tasks = mix(
    count,
    seed,
    make(5, (setup) => {
      const median = setup.pick([0.1, 0.3, 1, 60])
      return (random) => ({ inputBytes: drawJsonBytes(random), seconds: random.lognormal(median, 0.8) })
    }),
  )
  return tasks.map((task, index) => ({ ...task, functionKey: `code-${index}`, tierSeconds: 30 }))
}

/** So that the recorded runs, of milliseconds to seconds, spread over the three lanes. */
const RECORDED_SCALE = 100

/** Runs of the examples that were really measured, drawn again and again. */
const recordedExamples = (count: number, seed: number) => {
  const runsOf = Map.groupBy(recorded.runs as [string, number, number][], ([example]) => example)
  return mix(count, seed, () =>
    [...runsOf.values()].map((runs) => (random) => {
      const [, inputBytes, seconds] = runs[Math.floor(random.uniform() * runs.length)] ?? ['', 0, 1]
      return { inputBytes, seconds: seconds * RECORDED_SCALE }
    }),
  )
}

const WORKLOADS: Record<string, (count: number, seed: number) => SimulatedTask[]> = {
  'recorded: the examples': recordedExamples,
  'heavy tail, lognormal': lognormal,
  'heavy tail, Pareto': pareto,
  'by size of the inputs': inputDependent,
  bimodal,
  drifting,
  'many functions, Zipf': manyFunctions,
  'lying callers': lyingCallers,
  'code never seen before': freshCode,
}

/** All workloads, so many tasks in each of so many replicas; always the same. */
export const createWorkloads = (count: number, replicas: number): Workload[] =>
  Object.entries(WORKLOADS).map(([name, create], index) => ({
    name,
    replicas: Array.from({ length: replicas }, (_, replica) => create(count, 1 + index + 100 * replica)),
  }))
