import { setTimeout as delay } from 'node:timers/promises'
import { createRandom, type Random } from '../../bench/estimates/random.ts'
import { type Arena, LEASE_SECONDS } from './arena.ts'
import type { SupervisedProcess } from './process.ts'

/** A fault that a schedule names; `target` picks among the processes concerned, `lasts` is its length from 0 to 1. */
export type PlannedFault = { kind: FaultKind; afterMs: number; target: number; lasts: number }

type Victim = { target: number; lasts: number }
type Fault = {
  /** Faults of one part come one after the other; those of different parts overlap. */
  part: 'process' | 'postgres' | 'redis' | 'store' | 'network' | 'lane'
  inflict(arena: Arena, victim: Victim): Promise<void>
}

const LEASE_MS = LEASE_SECONDS * 1_000
const between = (low: number, high: number, share: number) => low + share * (high - low)
const pick = <T>(items: readonly T[], target: number): T => {
  const item = items[target % items.length]
  if (item === undefined) throw new Error('there is nothing to pick from')
  return item
}

const kill = (choose: (arena: Arena) => readonly SupervisedProcess[]): Fault => ({
  part: 'process',
  inflict: async (arena, { target }) => pick(choose(arena), target).kill(),
})

const freeze = (
  choose: (arena: Arena) => readonly SupervisedProcess[],
  lowMs: number,
  highMs: number,
): Fault => ({
  part: 'process',
  inflict: async (arena, { target, lasts }) => {
    const victim = pick(choose(arena), target)
    victim.freeze()
    await delay(between(lowMs, highMs, lasts))
    victim.thaw()
  },
})

const restartPostgres = (how: 'fast' | 'immediate' | 'kill'): Fault => ({
  part: 'postgres',
  inflict: ({ postgres }, { lasts }) => postgres.restart(how, between(0, 1.5 * LEASE_MS, lasts)),
})

const breakStore = (fault: 'unavailable' | 'reset'): Fault => ({
  part: 'store',
  inflict: async ({ store }, { lasts }) => {
    store.set(fault)
    await delay(between(500, 6_000, lasts))
    store.set('none')
  },
})

const FAULTS = {
  'kill a worker': kill(({ workers }) => workers),
  'kill all workers': {
    part: 'process',
    inflict: async ({ workers }) => {
      for (const worker of workers) worker.kill()
    },
  },
  'kill a gateway': kill(({ gateways }) => gateways),
  'kill a janitor': kill(({ janitors }) => janitors),
  'freeze a worker': freeze(({ workers }) => workers, 1.2 * LEASE_MS, 2.2 * LEASE_MS),
  'freeze a worker briefly': freeze(({ workers }) => workers, 100, 0.9 * LEASE_MS),
  'freeze a gateway': freeze(({ gateways }) => gateways, 200, 4_000),
  'freeze a janitor': freeze(({ janitors }) => janitors, 200, 5_000),
  'replace a worker': {
    part: 'process',
    inflict: async ({ workers }, { target }) => pick(workers, target).terminate(),
  },
  'replace a gateway': {
    part: 'process',
    inflict: async ({ gateways }, { target }) => pick(gateways, target).terminate(),
  },
  'flush Redis': { part: 'redis', inflict: ({ redis }) => redis.flush() },
  'restart Redis': {
    part: 'redis',
    inflict: async ({ redis }, { lasts }) => {
      await redis.kill()
      await delay(between(0, 3_000, lasts))
      await redis.restart()
    },
  },
  'freeze Redis': {
    part: 'redis',
    inflict: async ({ redis }, { lasts }) => {
      redis.freeze()
      await delay(between(200, 4_000, lasts))
      redis.thaw()
    },
  },
  'restart PostgreSQL': restartPostgres('fast'),
  'restart PostgreSQL at once': restartPostgres('immediate'),
  'kill PostgreSQL': restartPostgres('kill'),
  'kill a session of PostgreSQL': {
    part: 'postgres',
    inflict: async ({ sql, postgres }, { target }) => {
      const sessions = await sql<{ pid: number }[]>`
        select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by pid`
      if (sessions.length > 0) postgres.killSession(pick(sessions, target).pid)
    },
  },
  'reset connections to PostgreSQL': {
    part: 'network',
    inflict: async ({ valves }, { target }) => pick(valves, target).reset(),
  },
  'cut off from PostgreSQL': {
    part: 'network',
    inflict: async ({ valves }, { target, lasts }) => {
      const valve = pick(valves, target)
      valve.close()
      await delay(between(200, 2.5 * LEASE_MS, lasts))
      valve.open()
    },
  },
  'object store answers 503': breakStore('unavailable'),
  'object store is cut off': breakStore('reset'),
  'pause a lane': {
    part: 'lane',
    inflict: async ({ sql }, { target, lasts }) => {
      const lane = pick(['high_priority', 'default', 'long_running'], target)
      await sql`update lanes set paused = true where name = ${lane}`
      await delay(between(200, 2_000, lasts))
      await resume(sql)
    },
  },
} satisfies Record<string, Fault>

export type FaultKind = keyof typeof FAULTS

/** Workers die more often than anything else. */
const DECK: readonly FaultKind[] = [
  ...(Object.keys(FAULTS) as FaultKind[]),
  'kill a worker',
  'kill a worker',
  'freeze a worker',
  'kill a gateway',
]
export const DECK_SIZE = DECK.length

const PATIENCE_MS = 60_000
const resume = async (sql: Arena['sql']) => {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      await sql`update lanes set paused = false`
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(100)
    }
  }
}

const shuffle = <T>(items: readonly T[], random: Random): T[] => {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random.uniform() * (last + 1))
    const [a, b] = [shuffled[last], shuffled[other]]
    if (a === undefined || b === undefined) throw new Error('an index is past the end')
    shuffled[last] = b
    shuffled[other] = a
  }
  return shuffled
}

/** Faults without end, the same for the same seed. Like cards of a deck: each kind has come before any comes again. */
export function* planFaults(seed: number, pauseMs: number): Generator<PlannedFault, never> {
  const random = createRandom(seed ^ 0x5eed)
  for (;;) {
    for (const kind of shuffle(DECK, random)) {
      const afterMs = between(0.1, 1.9, random.uniform()) * pauseMs
      yield { kind, afterMs, target: Math.floor(random.uniform() * 1_000), lasts: random.uniform() }
    }
  }
}

export type Chaos = {
  /** How often each kind has come. */
  inflicted: Map<FaultKind, number>
  /** Ends the faults and mends what is broken. */
  end(): Promise<void>
}

/** Lets the faults of a schedule happen, one after the other, until told to end. */
export const startChaos = (
  arena: Arena,
  faults: Iterable<PlannedFault>,
  say: (text: string) => void,
): Chaos => {
  const ending = new AbortController()
  const inflicted = new Map<FaultKind, number>()
  const underWay = new Map<Fault['part'], Promise<void>>()
  const faulty: unknown[] = []

  const run = async () => {
    for (const { kind, afterMs, ...victim } of faults) {
      await delay(afterMs, undefined, { signal: ending.signal }).catch(() => {})
      const fault: Fault = FAULTS[kind]
      await underWay.get(fault.part)
      if (ending.signal.aborted) return
      say(kind)
      inflicted.set(kind, (inflicted.get(kind) ?? 0) + 1)
      underWay.set(
        fault.part,
        fault.inflict(arena, victim).catch((error: unknown) => {
          // A fault that meets another one (a session cannot be found while the server is away) is no fault.
          faulty.push(error)
        }),
      )
    }
  }
  const running = run()
  return {
    inflicted,
    end: async () => {
      ending.abort()
      await running
      await Promise.all(underWay.values())
      await resume(arena.sql)
      if (faulty.length > 0)
        say(`${faulty.length} faults met others: ${faulty.map(String).join('; ').slice(0, 400)}`)
    },
  }
}
