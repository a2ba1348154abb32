import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { type Arena, openArena } from '../../bench/lanes/arena.ts'
import { jainIndex, simulate } from '../../bench/lanes/simulate.ts'
import { connect } from '../../shared/database/index.ts'
import { patchLane } from '../../shared/lanes/index.ts'
import { createDatabase } from '../services/postgres.ts'

let arena: Arena
const openDatabase = async () => connect(await createDatabase(), { name: 'test', maxConnections: 8 })
afterEach(() => arena.close())

const NO_LIMITS = { lookahead: 0, tenant_max_in_flight: 100_000, credit_seconds: 0 }

test('tenants share a lane by worker-seconds, however long and many their tasks, however wrong their estimates', {
  timeout: 120_000,
}, async () => {
  arena = await openArena(await openDatabase(), { default: 8 })
  await patchLane(arena.sql, 'default', NO_LIMITS)
  const tenants = Array.from({ length: 10 }, (_, index) => `tenant-${index}`)
  for (const [index, tenant] of tenants.entries()) {
    // From 1 s to 10 s a task; every estimate is wrong, by up to three times either way.
    const seconds = (index + 1) * (index % 3 === 0 ? 3 : index % 3 === 1 ? 1 / 3 : 1)
    await arena.submit(
      tenant,
      { estimate: { seconds, expectedSeconds: seconds, source: 'caller' } },
      Math.ceil(90 / (index + 1)),
    )
  }
  await arena.admit('default', { tenants })
  const { used } = await simulate(arena, 'default', {
    slots: 8,
    durationOf: ({ tenantId }) => Number(arena.tenantOf(tenantId).slice('tenant-'.length)) + 1,
    until: ({ nowSeconds }) => nowSeconds < 75,
  })
  expect(jainIndex(tenants.map((tenant) => used.get(tenant) ?? 0))).toBeGreaterThan(0.99)
})

test('a tenant with twice the weight gets twice the worker-seconds', { timeout: 60_000 }, async () => {
  arena = await openArena(await openDatabase(), { default: 6 })
  await patchLane(arena.sql, 'default', NO_LIMITS)
  const tenants = ['single', 'double']
  for (const tenant of tenants) {
    await arena.submit(tenant, { estimate: { seconds: 1, expectedSeconds: 1, source: 'caller' } }, 120)
    await arena.admit('default', { tenants: [tenant] })
  }
  const { tenantId } = await arena.member('double')
  await arena.sql`update lane_shares set weight = 2 where tenant_id = ${tenantId}`
  const { used } = await simulate(arena, 'default', {
    slots: 6,
    durationOf: () => 1,
    until: ({ nowSeconds }) => nowSeconds < 20,
  })
  expect((used.get('double') ?? 0) / (used.get('single') ?? 1)).toBeCloseTo(2, 0)
})

test('a lane with work is never idle: what one tenant does not use, the others get', {
  timeout: 60_000,
}, async () => {
  arena = await openArena(await openDatabase(), { default: 4 })
  await patchLane(arena.sql, 'default', NO_LIMITS)
  await arena.submit('few', {}, 3)
  await arena.submit('many', {}, 61)
  await arena.admit('default', { tenants: ['few', 'many'] })
  const { nowSeconds, starts } = await simulate(arena, 'default', {
    slots: 4,
    durationOf: () => 1,
    until: () => true,
  })
  expect(starts).toHaveLength(64)
  expect(nowSeconds).toBe(16)
})

test('a flood of one tenant delays another by no more than a task per slot', {
  timeout: 60_000,
}, async () => {
  const slots = 4
  arena = await openArena(await openDatabase(), { default: slots })
  await patchLane(arena.sql, 'default', { ...NO_LIMITS, credit_seconds: 100 })
  const oneSecond = { estimate: { seconds: 1, expectedSeconds: 1, source: 'caller' as const } }
  await arena.submit('flood', oneSecond, 600)
  await arena.admit('default', { tenants: ['flood'] })

  let nextBurst = 10
  const submittedAt = new Map<string, number>()
  const { starts } = await simulate(arena, 'default', {
    slots,
    // Never the same moment for all slots.
    durationOf: ({ taskId }) => 1 + (Number.parseInt(taskId.slice(-4), 16) / 65_536) * 0.5,
    until: ({ nowSeconds }) => nowSeconds < 60,
    arrive: async (nowSeconds) => {
      if (nowSeconds < nextBurst) return nextBurst
      nextBurst += 10
      for (const id of await arena.submit('light', oneSecond, 12)) submittedAt.set(id, nowSeconds)
      await arena.admit('default', { tenants: ['light'] })
      return nextBurst
    },
  })
  const waits = starts
    .filter(({ tenant }) => tenant === 'light')
    .map(({ taskId, atSeconds }) => atSeconds - (submittedAt.get(taskId) ?? 0))
  expect(waits.length).toBeGreaterThanOrEqual(48)
  // Twelve tasks of 1 to 1.5 s on four slots: alone the last starts after 3 s at most; beside the flood one task later.
  expect(Math.max(...waits)).toBeLessThanOrEqual(3 + 1.5)
})

test('with many consumers tasks of high_priority start in the order of their admission', {
  timeout: 120_000,
}, async () => {
  arena = await openArena(await openDatabase(), { high_priority: 64 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 9 })), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.integer({ min: 2, max: 8 }),
      async (bursts, consumers) => {
        for (const [tenant, count] of bursts) {
          await arena.submit(tenant, { lane: 'high_priority' }, count)
          await arena.admit('high_priority', { tenants: [tenant] })
        }
        const consume = async () => {
          while (await arena.claim('high_priority'));
        }
        await Promise.all(Array.from({ length: consumers }, consume))
        const rows = await arena.sql<{ started: string; admission: string }[]>`
          select tasks.id as started, turns.admission
          from tasks
          join turns on turns.task_id = tasks.id
          where turns.stage = 'running'
          order by tasks.started_at`
        const admissions = rows.map(({ admission }) => Number(admission))
        expect(admissions).toEqual(admissions.toSorted((x, y) => x - y))
        expect(rows).toHaveLength(bursts.reduce((sum, [, count]) => sum + count, 0))
        await arena.sql`delete from tasks`
      },
    ),
    { numRuns: 15 },
  )
})
