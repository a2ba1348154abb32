import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from '../../shared/database/index.ts'
import { type Arena, LANE_LIMITS, startArena } from './arena.ts'
import { findWrongAnswers } from './audit/answers.ts'
import { findBrokenPromises, isGivenUp } from './audit/ends.ts'
import { type History, readHistories } from './audit/history.ts'
import { findLeftHints, findLeftRows } from './audit/leftovers.ts'
import { findIllegalSteps } from './audit/legal-steps.ts'
import { findBrokenKeys, findBrokenTenantLimits } from './audit/limits.ts'
import { type Clients, startClients } from './clients.ts'
import { DECK_SIZE, planFaults, startChaos } from './faults.ts'
import { planWorkload } from './workload.ts'

export type ChaosOptions = {
  seed: number
  taskCount: number
  /** How many tasks users submit in a second, in the mean. */
  perSecond: number
  /** The mean pause between two faults. */
  pauseMs: number
  say(text: string): void
}

export type ChaosReport = {
  /** What should not be: empty when the platform kept its promises. */
  faults: string[]
  figures: Record<string, number>
  inflicted: Record<string, number>
  /** Where the processes' logs are kept when there are faults. */
  directory: string
}

const USERS = 24
const LOOK_MS = 250
/** Without anything ending for so long, and with nothing broken any more, tasks are stuck. */
const STUCK_MS = 60_000
/** Faults go on until this share of the tasks has ended: then all that is left has to end in peace. */
const CHAOS_SHARE = 0.95

/** How many tasks have ended; undefined while the database does not answer. */
const countEnded = async (sql: Sql): Promise<number | undefined> => {
  const counting = sql<
    [{ count: number }]
  >`select count(*)::int as count from tasks where completed_at is not null`
  const [row] = await counting.catch(() => [undefined])
  return row?.count
}

const waitForEnds = async (
  sql: Sql,
  wanted: number,
  stuckMs: number,
  onLook: (ended: number) => void = () => {},
) => {
  let best = -1
  let since = performance.now()
  while (best < wanted) {
    const ended = (await countEnded(sql)) ?? -1
    if (ended > best) {
      best = ended
      since = performance.now()
    }
    if (performance.now() - since > stuckMs) return
    onLook(best)
    await delay(LOOK_MS)
  }
}

const summarize = (histories: readonly History[], { receipts, counts }: Clients) => {
  const attempts = histories.flatMap((history) => history.attempts)
  const count = (status: string) => histories.filter((history) => history.status === status).length
  return {
    tasks: receipts.length,
    completed: count('completed'),
    failed: count('failed'),
    cancelled: count('cancelled'),
    'given up after too many lost workers': histories.filter(isGivenUp).length,
    attempts: attempts.length,
    'attempts lost': attempts.filter(({ failureCode }) => failureCode === 'worker_lost').length,
    'attempts given back': attempts.filter(({ outcome }) => outcome === 'returned').length,
    requests: counts.requests,
    'requests repeated': counts.retries,
    'answered again': counts.replays,
  }
}

const audit = async (arena: Arena, clients: Clients, options: ChaosOptions) => {
  const plans = planWorkload(options.seed, options.taskCount).flatMap(({ tasks }) => tasks)
  const histories = await readHistories(arena.sql)
  const faults = [
    ...clients.complaints,
    ...findBrokenPromises(plans, clients.receipts, histories),
    ...histories.flatMap(findIllegalSteps),
    ...findBrokenKeys(histories),
    ...findBrokenTenantLimits(histories, LANE_LIMITS),
    ...(await findLeftRows(arena.sql)),
    ...(await findLeftHints(arena.redis.url)),
    ...(await findWrongAnswers(arena, clients.receipts, histories)),
    ...arena.unaskedEnds.map(({ name, how, lastWords }) => `${name} ended by itself (${how}): ${lastWords}`),
  ]
  return { faults, figures: summarize(histories, clients) }
}

/**
 * Lets users work on a platform whose parts are killed, frozen, restarted and cut off, then mends everything, waits
 * until every task has ended, and audits what came of it from the database and the objects alone.
 */
export const runChaos = async (options: ChaosOptions): Promise<ChaosReport> => {
  const { seed, taskCount, perSecond, pauseMs, say } = options
  const startedAt = performance.now()
  const arena = await startArena()
  try {
    const chaosAt = performance.now()
    const clients = startClients(arena, planWorkload(seed, taskCount), { perSecond, atOnce: USERS })
    const chaos = startChaos(arena, planFaults(seed, pauseMs), (text) => {
      say(`${((performance.now() - chaosAt) / 1_000).toFixed(1)} s: ${text}`)
    })
    await clients.done
    await waitForEnds(arena.sql, CHAOS_SHARE * clients.receipts.length, STUCK_MS)
    while ([...chaos.inflicted.values()].reduce((sum, times) => sum + times, 0) < DECK_SIZE)
      await delay(LOOK_MS)
    await chaos.end()
    say(`peace after ${((performance.now() - chaosAt) / 1_000).toFixed(1)} s`)
    await Promise.all([...arena.gateways, ...arena.workers, ...arena.janitors].map((part) => part.ready()))
    await waitForEnds(arena.sql, clients.receipts.length, STUCK_MS)
    const endedAt = performance.now()
    const { faults, figures } = await audit(arena, clients, options)
    if (faults.length > 0) arena.keepFiles()
    return {
      faults,
      inflicted: Object.fromEntries(chaos.inflicted),
      directory: arena.directory,
      figures: {
        ...figures,
        faults: [...chaos.inflicted.values()].reduce((sum, times) => sum + times, 0),
        'seconds under faults': Math.round((endedAt - chaosAt) / 1_000),
        'seconds in all': Math.round((performance.now() - startedAt) / 1_000),
      },
    }
  } finally {
    await arena.stop()
  }
}
