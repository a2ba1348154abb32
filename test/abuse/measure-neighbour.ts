import { availableParallelism } from 'node:os'
import { vi } from 'vitest'
import { percentiles } from '../../bench/statistics.ts'
import type { Attack } from './attack.ts'
import type { Client } from './client.ts'
import type { Target } from './target.ts'

export type NeighbourLatency = { aloneMs: number; besideMs: number }

/** Pure computation that takes long enough to be told from noise. */
const CALCULATION = {
  code: 'def main(n):\n    return sum(i * i % 7 for i in range(n))\n',
  handler: 'main',
  inputs: { n: 1_500_000 },
  resources: { cpu: 1, memory_mb: 256 },
}
const ROUNDS = 3
const RUNS_PER_PHASE = 5
const BOMB_SECONDS = 120
const START_TIMEOUT_MS = 20_000
/** One for the neighbour, one for what the platform does meanwhile: it starts sandboxes in place of dead ones. */
const KEPT_CORES = 2

const timeRun = async (client: Client): Promise<number> => {
  const started = performance.now()
  const { status, text } = await client.run(CALCULATION)
  if (status !== 200 || !text.includes('"completed"')) throw new Error(`the neighbour was harmed: ${text}`)
  return performance.now() - started
}

const timeRuns = async (client: Client): Promise<number[]> => {
  const times: number[] = []
  while (times.length < RUNS_PER_PHASE) times.push(await timeRun(client))
  return times
}

/** Keeps one attack going, again whenever it was ended, until it is told to stop. */
const startBomb = (client: Client, { submission }: Attack, cpu: number) => {
  const bomb = {
    ...submission,
    resources: { ...submission.resources, cpu },
    timeout_seconds: BOMB_SECONDS,
  }
  let stopping = false
  let started = false
  const isUnderWay = async (id: string) => ['queued', 'running'].includes((await client.readTask(id)).status)
  const run = async () => {
    while (!stopping) {
      const id = await client.submit(bomb)
      await vi.waitUntil(
        async () => {
          const { status } = await client.readTask(id)
          started ||= status !== 'queued'
          return stopping || !['queued', 'running'].includes(status)
        },
        { timeout: BOMB_SECONDS * 1_000, interval: 50 },
      )
      await client.cancel(id)
      await vi.waitUntil(async () => !(await isUnderWay(id)), { timeout: START_TIMEOUT_MS, interval: 50 })
    }
  }
  const ended = run()
  return {
    hasStarted: () => started,
    stop: async () => {
      stopping = true
      await ended
    },
  }
}

/**
 * How long a well-behaved task of one tenant takes, from request to answer, alone and beside another tenant's bombs: the
 * medians of phases that alternate, so that other work on this machine is in both. The bombs' processors are within the
 * machine's, as an operator's concurrency setting has them.
 */
export const measureNeighbour = async (
  { hostile, wellBehaved }: Target,
  bombs: readonly Attack[],
): Promise<NeighbourLatency> => {
  const share = (availableParallelism() - KEPT_CORES) / bombs.length
  const cpu = Math.min(1, Math.max(0.1, Math.floor(share * 10) / 10))
  const alone: number[] = []
  const beside: number[] = []
  await timeRuns(wellBehaved)
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(...(await timeRuns(wellBehaved)))
    const running = bombs.map((bomb) => startBomb(hostile, bomb, cpu))
    try {
      await vi.waitUntil(() => running.every(({ hasStarted }) => hasStarted()), { timeout: START_TIMEOUT_MS })
      beside.push(...(await timeRuns(wellBehaved)))
    } finally {
      await Promise.all(running.map(({ stop }) => stop()))
    }
  }
  return { aloneMs: percentiles(alone).p50, besideMs: percentiles(beside).p50 }
}
