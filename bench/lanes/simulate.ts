import type { Lane } from '../../shared/lanes/index.ts'
import type { Claim } from '../../shared/tasks/index.ts'
import type { Arena } from './arena.ts'

export type Start = { taskId: string; tenant: string; atSeconds: number }

/**
 * Runs a lane on a clock of its own: workers take what is admitted whenever a slot is free, and every task lasts as
 * long as `durationOf` says. Real statements on a real database; only the time between them is imagined.
 *
 * @param until - false ends the simulation, with tasks in hand
 * @param arrive - called whenever the clock moves on; submits what comes then, and tells when more comes
 */
export const simulate = async (
  arena: Arena,
  lane: Lane,
  options: {
    slots: number
    durationOf(claim: Claim): number
    until(state: { nowSeconds: number; starts: readonly Start[] }): boolean
    arrive?(nowSeconds: number): Promise<number>
  },
) => {
  const starts: Start[] = []
  const used = new Map<string, number>()
  const running: { claim: Claim; endsAt: number; seconds: number }[] = []
  let nowSeconds = 0
  while (options.until({ nowSeconds, starts })) {
    const nextArrival = await options.arrive?.(nowSeconds)
    while (running.length < options.slots) {
      const claim = await arena.claim(lane)
      if (!claim) break
      const seconds = options.durationOf(claim)
      starts.push({ taskId: claim.taskId, tenant: arena.tenantOf(claim.tenantId), atSeconds: nowSeconds })
      running.push({ claim, seconds, endsAt: nowSeconds + seconds })
    }
    running.sort((a, b) => a.endsAt - b.endsAt)
    const next = running.shift()
    if (!next) {
      if (nextArrival === undefined) break
      nowSeconds = nextArrival
      continue
    }
    nowSeconds = next.endsAt
    const tenant = arena.tenantOf(next.claim.tenantId)
    used.set(tenant, (used.get(tenant) ?? 0) + next.seconds)
    await arena.finish(next.claim, next.seconds)
  }
  // What is in hand has been used in part.
  for (const { claim, endsAt, seconds } of running) {
    const tenant = arena.tenantOf(claim.tenantId)
    used.set(tenant, (used.get(tenant) ?? 0) + seconds - (endsAt - nowSeconds))
  }
  return { starts, used, nowSeconds }
}

/** How evenly something is shared, from 1/n (one has all) to 1 (all have the same): Jain, Chiu and Hawe 1984. */
export const jainIndex = (values: readonly number[]): number => {
  const sum = values.reduce((total, value) => total + value, 0)
  const squares = values.reduce((total, value) => total + value * value, 0)
  return (sum * sum) / (values.length * squares)
}
