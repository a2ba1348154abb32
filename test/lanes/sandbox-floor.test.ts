import { afterEach, expect, test } from 'vitest'
import { type Arena, openArena } from '../../bench/lanes/arena.ts'
import { connect } from '../../shared/database/index.ts'
import { patchLane } from '../../shared/lanes/index.ts'
import { claimTask, explainWait, getTask } from '../../shared/tasks/index.ts'
import { createDatabase } from '../services/postgres.ts'
import { addWorker } from '../tasks/admit.ts'

const STRONG = { sandboxFloor: 'kernel' } as const

let arena: Arena
/** Slots of workers whose sandboxes are containers, and of those that have a kernel of their own. */
const open = async (container: number, kernel = 0) => {
  arena = await openArena(connect(await createDatabase(), { name: 'test', maxConnections: 8 }), {
    default: container,
  })
  if (kernel > 0) await addWorker(arena.sql, { default: kernel }, 'kernel')
  await patchLane(arena.sql, 'default', { lookahead: 0 })
}
afterEach(() => arena.close())

test('a task waits for a worker that reaches its floor, stands in nobody’s way, and says why', async () => {
  await open(2)
  const [strong = ''] = await arena.submit('walled', STRONG, 100)
  const others = await arena.submit('acme', {}, 2)
  expect(await arena.admit('default', { tenants: ['walled', 'acme'] })).toEqual(others)
  const task = await getTask(arena.sql, (await arena.member('walled')).tenantId, strong)
  expect(task && (await explainWait(arena.sql, task, 1_000))).toMatchObject({ reason: 'no_workers' })

  await addWorker(arena.sql, { default: 1 }, 'kernel')
  expect(await arena.admit('default')).toEqual([strong])
})

test('no more are admitted than workers that reach their floor have slots for', async () => {
  await open(10, 2)
  const strong = await arena.submit('walled', STRONG, 5)
  const others = await arena.submit('acme', {}, 20)
  const admitted = await arena.admit('default', { tenants: ['walled', 'acme'] })
  expect(admitted).toHaveLength(12)
  expect(new Set(admitted)).toEqual(new Set([...strong.slice(0, 2), ...others.slice(0, 10)]))
})

test('a worker takes the first that its sandboxes may run, and one that reaches every floor takes them in order', async () => {
  await open(1, 1)
  const [strong] = await arena.submit('walled', STRONG)
  const [other] = await arena.submit('acme')
  await arena.admit('default', { tenants: ['walled', 'acme'] })
  const claim = async (level: 'container' | 'kernel') =>
    (await claimTask(arena.sql, { lane: 'default' }, level, 60, level))?.taskId
  expect(await claim('container')).toBe(other)
  expect(await claim('container')).toBeUndefined()
  expect(await claim('kernel')).toBe(strong)
})

test('many tenants that wait for a stronger sandbox do not fill the places of those who do not', async () => {
  await open(3, 1)
  const tenants = Array.from({ length: 10 }, (_, at) => `walled-${at}`)
  for (const tenant of tenants) await arena.submit(tenant, STRONG)
  const others = await arena.submit('acme', {}, 3)
  const admitted = await arena.admit('default', { tenants: [...tenants, 'acme'] })
  expect(admitted).toHaveLength(4)
  expect(admitted).toEqual(expect.arrayContaining(others))
})
