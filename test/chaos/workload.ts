import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRandom, type Random } from '../../bench/estimates/random.ts'
import type { FailureCode } from '../../shared/tasks/index.ts'

export const TENANTS = ['acme', 'borealis', 'cassini', 'delta', 'echo'] as const
export type Tenant = (typeof TENANTS)[number]

/** What a task is to do and what may come of it, known before anything runs. */
export type PlannedTask = {
  /** Unique in a run; how the audit finds it again. */
  name: string
  kind: string
  body: Readonly<Record<string, unknown>>
  /** What `digest` must be in its result. */
  digest: string
  /** How it may end when nobody cancels it and no worker is lost: completed, or with one of these codes. */
  ends: readonly ('completed' | FailureCode)[]
  /** Relative to its submission. */
  runInMs: number | undefined
  expiresInMs: number | undefined
  /** Its client cancels it so long after it was told that it is there. */
  cancelAfterMs: number | undefined
}

/** One request of a client: a task, or a batch of them. */
export type PlannedRequest = {
  key: string
  tenant: Tenant
  tasks: readonly PlannedTask[]
  /** `Prefer: wait`. */
  waitSeconds: number | undefined
  /** Sent once more after it was answered, to the other gateway, as a client does that lost the answer. */
  again: boolean
}

type Shape = {
  inputs?: object
  body?: object
  ends?: PlannedTask['ends']
  runInMs?: number
  expiresInMs?: number
}
type Kind = { name: string; weight: number; draw(between: Between): Shape }
type Between = (low: number, high: number) => number

const CODE = readFileSync(new URL('./work.py', import.meta.url), 'utf8')

const again = (failures: readonly FailureCode[], maxAttempts: number) => ({
  retry: { on: failures, max_attempts: maxAttempts, backoff_seconds: 0.1 },
})
const whole = Math.round

const KINDS: readonly Kind[] = [
  { name: 'nothing', weight: 38, draw: () => ({}) },
  { name: 'sleep', weight: 20, draw: (between) => ({ inputs: { sleep: between(0.01, 0.3) } }) },
  { name: 'spin', weight: 8, draw: (between) => ({ inputs: { spin: between(0.005, 0.05) } }) },
  { name: 'large result', weight: 6, draw: (between) => ({ inputs: { pad: whole(between(500, 60_000)) } }) },
  { name: 'files', weight: 4, draw: (between) => ({ inputs: { files: whole(between(1, 3)) } }) },
  { name: 'log', weight: 4, draw: (between) => ({ inputs: { lines: whole(between(1, 120)) } }) },
  {
    name: 'progress',
    weight: 3,
    draw: (between) => ({ inputs: { steps: whole(between(2, 6)), sleep: between(0.2, 1) } }),
  },
  { name: 'later', weight: 4, draw: (between) => ({ runInMs: whole(between(200, 4_000)) }) },
  {
    name: 'expiring',
    weight: 2,
    draw: (between) => ({ expiresInMs: whole(between(200, 5_000)), ends: ['completed', 'expired'] }),
  },
  { name: 'raises', weight: 3, draw: () => ({ inputs: { fails: 1 }, ends: ['user_error'] }) },
  {
    name: 'raises again',
    weight: 2,
    draw: () => ({ inputs: { fails: 1 }, body: again(['user_error'], 3), ends: ['user_error'] }),
  },
  {
    name: 'flaky',
    weight: 3,
    draw: () => ({
      inputs: { fails: 0.4 },
      body: again(['user_error'], 10),
      ends: ['completed', 'user_error'],
    }),
  },
  {
    name: 'too long',
    weight: 0.5,
    draw: () => ({ inputs: { sleep: 60 }, body: { lane: 'default', timeout_seconds: 1 }, ends: ['timeout'] }),
  },
  {
    name: 'unrepeatable',
    weight: 2,
    draw: (between) => ({ inputs: { sleep: between(0, 0.4) }, body: { repeatable: false } }),
  },
  {
    name: 'overrun',
    weight: 1.5,
    draw: (between) => ({ inputs: { sleep: between(1.2, 2) }, body: { lane: 'high_priority' } }),
  },
  {
    name: 'unrepeatable overrun',
    weight: 0.5,
    draw: (between) => ({
      inputs: { sleep: between(1.2, 2) },
      body: { lane: 'high_priority', repeatable: false },
    }),
  },
]

/** A tenant's tasks with such a key; the last figure of the key is its limit. */
const KEYS = ['mesher:1', 'solver:2', 'plotter:3']

const drawWeighted = <T extends { weight: number }>(items: readonly T[], random: Random): T => {
  let left = random.uniform() * items.reduce((sum, { weight }) => sum + weight, 0)
  for (const item of items) {
    left -= item.weight
    if (left < 0) return item
  }
  throw new Error('there is nothing to draw from')
}

const planTask = (index: number, random: Random): PlannedTask => {
  const between = (low: number, high: number) => low + random.uniform() * (high - low)
  const chance = (share: number) => random.uniform() < share
  const kind = drawWeighted(KINDS, random)
  const { inputs, body, ends = ['completed'] as const, runInMs, expiresInMs } = kind.draw(between)
  // Some inputs are too long for the row and lie in the object store.
  const text = `${index} ${'±'.repeat(chance(0.04) ? whole(between(500, 4_000)) : 1)}`
  const key = chance(0.1) ? random.pick([KEYS[0] ?? '', ...KEYS]) : undefined
  const name = `${kind.name} ${index}`
  return {
    name,
    kind: kind.name,
    digest: createHash('sha256').update(text).digest('hex'),
    ends,
    runInMs,
    expiresInMs,
    cancelAfterMs: chance(0.06) ? whole(between(0, 1_500)) : undefined,
    body: {
      code: CODE,
      handler: 'work',
      name,
      inputs: { text, ...inputs },
      resources: 'nano',
      priority: whole(between(0, 9)),
      estimated_seconds: between(0.01, 1),
      lane: drawWeighted(LANE_SHARES, random).lane,
      labels: { kind: kind.name.replaceAll(' ', '-') },
      // Who is robbed of its worker again and again is given up; with ten attempts that is next to nobody.
      retry: { max_attempts: chance(0.9) ? 10 : 3 },
      ...(key !== undefined && { concurrency: { key, limit: Number(key.split(':')[1]) } }),
      ...body,
    },
  }
}

const LANE_SHARES = [
  { lane: 'high_priority', weight: 55 },
  { lane: 'default', weight: 41 },
  { lane: 'long_running', weight: 4 },
]
const TENANT_SHARES = TENANTS.map((tenant, index) => ({ tenant, weight: 2 ** -index }))

/** A run's requests, always the same for the same seed and count. */
export const planWorkload = (seed: number, taskCount: number): PlannedRequest[] => {
  const random = createRandom(seed)
  const chance = (share: number) => random.uniform() < share
  const requests: PlannedRequest[] = []
  let planned = 0
  while (planned < taskCount) {
    const size = Math.min(chance(0.12) ? 2 + Math.floor(random.uniform() * 40) : 1, taskCount - planned)
    requests.push({
      key: `chaos-${seed}-${requests.length}`,
      tenant: drawWeighted(TENANT_SHARES, random).tenant,
      tasks: Array.from({ length: size }, (_, index) => planTask(planned + index, random)),
      waitSeconds: size === 1 && chance(0.08) ? 1 + Math.floor(random.uniform() * 3) : undefined,
      again: chance(0.05),
    })
    planned += size
  }
  return requests
}
