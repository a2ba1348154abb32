import { afterEach, describe, expect, test } from 'vitest'
import { type Arena, openArena } from '../../bench/lanes/arena.ts'
import { connect } from '../../shared/database/index.ts'
import { findSleepers, type Lane, patchLane, takeUnclaimed } from '../../shared/lanes/index.ts'
import { expireTasks, explainWait, getTask } from '../../shared/tasks/index.ts'
import { createDatabase } from '../services/postgres.ts'

let arena: Arena
const openDatabase = async () => connect(await createDatabase(), { name: 'test', maxConnections: 8 })
afterEach(() => arena.close())

const open = async (slots: Partial<Record<Lane, number>>, lookahead = 0) => {
  arena = await openArena(await openDatabase(), slots)
  for (const lane of Object.keys(slots) as Lane[]) await patchLane(arena.sql, lane, { lookahead })
}
const reasonOf = async (tenant: string, id: string) => {
  const task = await getTask(arena.sql, (await arena.member(tenant)).tenantId, id)
  return task && (await explainWait(arena.sql, task, 1_000))
}

describe('room', () => {
  test('as many tasks are admitted as there are slots and their share beyond', async () => {
    await open({ default: 4 }, 0.5)
    const ids = await arena.submit('acme', {}, 10)
    expect(await arena.admit('default', { tenants: ['acme'] })).toEqual(ids.slice(0, 6))
    expect(await arena.admit('default')).toEqual([])
  })

  test('an ended task makes room for the next', async () => {
    await open({ default: 1 })
    const [first, second] = await arena.submit('acme', {}, 2)
    await arena.admit('default', { tenants: ['acme'] })
    const claim = await arena.claim('default')
    expect(claim?.taskId).toBe(first)
    if (claim) await arena.finish(claim, 1)
    expect((await arena.claim('default'))?.taskId).toBe(second)
  })

  test('a worker that leaves or is silent has no slots', async () => {
    await open({ default: 4 })
    const [id] = await arena.submit('acme')
    await arena.sql`update workers set draining = true`
    expect(await arena.admit('default', { tenants: ['acme'] })).toEqual([])
    expect(await reasonOf('acme', id ?? '')).toMatchObject({ reason: 'no_workers', ahead: 0 })
    await arena.sql`update workers set draining = false, alive_until = now() - interval '1 second'`
    expect(await arena.admit('default')).toEqual([])
  })

  test('a paused lane starts nothing until it is resumed', async () => {
    await open({ default: 4 })
    await patchLane(arena.sql, 'default', { paused: true })
    const ids = await arena.submit('acme', {}, 2)
    expect(await arena.admit('default', { tenants: ['acme'] })).toEqual([])
    expect(await reasonOf('acme', ids[1] ?? '')).toMatchObject({ reason: 'lane_paused', ahead: 1 })
    await patchLane(arena.sql, 'default', { paused: false })
    expect(await arena.admit('default')).toEqual(ids)
  })

  test('a tenant has at most its own number in hand, and others go on', async () => {
    await open({ long_running: 10 })
    await patchLane(arena.sql, 'long_running', { tenant_max_in_flight: 2 })
    const mine = await arena.submit('acme', { lane: 'long_running' }, 5)
    const theirs = await arena.submit('other', { lane: 'long_running' }, 1)
    const admitted = await arena.admit('long_running', { tenants: ['acme', 'other'] })
    expect(new Set(admitted)).toEqual(new Set([...mine.slice(0, 2), ...theirs]))
    expect(await reasonOf('acme', mine[2] ?? '')).toMatchObject({ reason: 'tenant_limit' })
  })

  test('a throttled lane starts what its rate allows, and the rest later', async () => {
    await open({ long_running: 50 })
    // Ten seconds' worth at most is saved up.
    await patchLane(arena.sql, 'long_running', {
      starts_per_minute: 30,
      tenant_starts_per_minute: 600,
      tenant_max_in_flight: 100,
    })
    const ids = await arena.submit('acme', { lane: 'long_running' }, 20)
    expect(await arena.admit('long_running', { tenants: ['acme'] })).toEqual(ids.slice(0, 5))
    expect(await arena.admit('long_running')).toEqual([])
    expect(await reasonOf('acme', ids[5] ?? '')).toMatchObject({ reason: 'lane_throttled' })
    await arena.sql`update lanes set credited_at = credited_at - interval '4 seconds'`
    expect(await arena.admit('long_running')).toEqual(ids.slice(5, 7))
  })

  test('a tenant is throttled by its own rate, and others are not', async () => {
    await open({ long_running: 50 })
    await patchLane(arena.sql, 'long_running', { tenant_starts_per_minute: 6, starts_per_minute: 600 })
    const mine = await arena.submit('acme', { lane: 'long_running' }, 3)
    const theirs = await arena.submit('other', { lane: 'long_running' }, 1)
    const admitted = await arena.admit('long_running', { tenants: ['acme', 'other'] })
    expect(new Set(admitted)).toEqual(new Set([mine[0], theirs[0]]))
    expect(await reasonOf('acme', mine[1] ?? '')).toMatchObject({ reason: 'tenant_throttled' })
  })
})

describe('order', () => {
  test('a tenant’s tasks start in the order of their submission', async () => {
    await open({ high_priority: 3 })
    const ids = (
      await Promise.all(Array.from({ length: 4 }, () => arena.submit('acme', { lane: 'high_priority' }, 5)))
    ).flat()
    const started: string[] = []
    await arena.admit('high_priority', { tenants: ['acme'] })
    for (let claim = await arena.claim('high_priority'); claim; claim = await arena.claim('high_priority')) {
      started.push(claim.taskId)
      await arena.finish(claim, 1)
    }
    const rows = await arena.sql<{ id: string }[]>`select id from tasks order by queued_at, id`
    expect(started).toHaveLength(ids.length)
    expect(started).toEqual(rows.map(({ id }) => id))
  })

  test('priority is a head start of seconds, so that nothing starves', async () => {
    await open({ default: 1 })
    await patchLane(arena.sql, 'default', { head_start_seconds: 10 })
    const [early] = await arena.submit('acme')
    await arena.sql`update turns set turn_at = turn_at - interval '15 seconds'`
    const [low, high, higher] = await Promise.all([
      arena.submit('acme', { priority: 0 }),
      arena.submit('acme', { priority: 1 }),
      arena.submit('acme', { priority: 2 }),
    ])
    const order: string[] = []
    await arena.admit('default', { tenants: ['acme'] })
    for (let claim = await arena.claim('default'); claim; claim = await arena.claim('default')) {
      order.push(claim.taskId)
      await arena.finish(claim, 1)
    }
    // 20 s of head start overtake what was submitted 15 s earlier; 10 s do not.
    expect(order).toEqual([higher[0], early, high[0], low[0]])
  })

  test('a task that is to run later neither starts nor holds others up before its time', async () => {
    await open({ default: 5 })
    const [later] = await arena.submit('acme', { runAt: new Date(Date.now() + 60_000) })
    const [now] = await arena.submit('acme')
    expect(await arena.admit('default', { tenants: ['acme'] })).toEqual([now])
    expect(await reasonOf('acme', later ?? '')).toMatchObject({ reason: 'time', until: expect.any(Date) })
    await arena.sql`update turns set run_at = now() where task_id = ${later ?? ''}`
    expect(await arena.admit('default')).toEqual([later])
  })
})

describe('concurrency keys', () => {
  const keyed = { concurrency: { key: 'licence', limit: 2 } }

  test('at most as many tasks of a key are in hand as it allows, over all lanes', async () => {
    await open({ default: 10, long_running: 10 })
    const first = await arena.submit('acme', keyed, 2)
    const blocked = await arena.submit('acme', { ...keyed, lane: 'long_running' }, 2)
    const free = await arena.submit('acme', { lane: 'long_running' })
    expect(await arena.admit('default', { tenants: ['acme'] })).toEqual(first)
    expect(await arena.admit('long_running', { tenants: ['acme'] })).toEqual(free)
    expect(await reasonOf('acme', blocked[0] ?? '')).toMatchObject({ reason: 'concurrency_key' })
    const claim = await arena.claim('default')
    if (claim) await arena.finish(claim, 1)
    expect(await arena.admit('long_running', { tenants: ['acme'] })).toEqual([blocked[0]])
  })

  test('a tenant’s key is its own', async () => {
    await open({ default: 10 })
    const mine = await arena.submit('acme', keyed, 2)
    const theirs = await arena.submit('other', keyed, 2)
    const admitted = await arena.admit('default', { tenants: ['acme', 'other'] })
    expect(new Set(admitted)).toEqual(new Set([...mine, ...theirs]))
  })

  test('a flood behind a taken key holds nobody up', async () => {
    await open({ default: 10 })
    const flood = await arena.submit('acme', keyed, 500)
    const [other] = await arena.submit('other')
    const admitted = await arena.admit('default', { tenants: ['acme', 'other'] })
    expect(new Set(admitted)).toEqual(new Set([...flood.slice(0, 2), other]))
    const [mine] = await arena.submit('acme')
    expect(await arena.admit('default', { tenants: ['acme'] })).toEqual([mine])
  })

  test('a parked task whose key is free is found again, whoever forgot to tell', async () => {
    await open({ default: 10 })
    const ids = await arena.submit('acme', keyed, 3)
    await arena.admit('default', { tenants: ['acme'] })
    await arena.cancel('acme', ids.slice(0, 1))
    const { freedKeys } = await findSleepers(arena.sql, 'default')
    expect(freedKeys).toEqual([{ tenantId: (await arena.member('acme')).tenantId, key: 'licence' }])
    expect(await arena.admit('default', { freed: [['acme', 'licence']] })).toEqual([ids[2]])
    expect((await findSleepers(arena.sql, 'default')).freedKeys).toEqual([])
  })
})

describe('what crashes leave behind', () => {
  test('a tenant whose submission nobody told of is found', async () => {
    await open({ default: 10 })
    await arena.submit('acme')
    await arena.submit('other')
    await arena.admit('default', { tenants: ['other'] })
    const { tenantIds } = await findSleepers(arena.sql, 'default')
    expect(tenantIds).toEqual([(await arena.member('acme')).tenantId])
  })

  test('an admitted task that nobody claims is announced again once its last announcement is old', async () => {
    await open({ default: 10 })
    const [id] = await arena.submit('acme')
    await arena.admit('default', { tenants: ['acme'] })
    const options = { olderThanSeconds: 5, limit: 10 }
    expect(await takeUnclaimed(arena.sql, options)).toEqual([])
    await arena.sql`update turns set announced_at = now() - interval '6 seconds'`
    expect(await takeUnclaimed(arena.sql, options)).toEqual([{ taskId: id, attempt: 1, lane: 'default' }])
    expect(await takeUnclaimed(arena.sql, options)).toEqual([])
  })

  test('a task that has expired is not started, and fails with that reason', async () => {
    await open({ default: 10 })
    const [id = ''] = await arena.submit('acme', { expiresAt: new Date(Date.now() + 3_600_000) })
    await arena.admit('default', { tenants: ['acme'] })
    await arena.sql`update turns set expires_at = now()`
    expect(await arena.claim('default')).toBeUndefined()
    expect(await expireTasks(arena.sql, 10)).toMatchObject([{ id, lane: 'default' }])
    const task = await getTask(arena.sql, (await arena.member('acme')).tenantId, id)
    expect(task).toMatchObject({ status: 'failed', failureCode: 'expired' })
  })
})
