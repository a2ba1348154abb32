import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { connect, type Sql } from '../../shared/database/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import {
  keepRegistered,
  listWorkers,
  registerWorker,
  removeLostWorkers,
  removeWorker,
  reportAlive,
} from '../../shared/workers/index.ts'
import { createDatabase } from '../services/postgres.ts'
import { newWorker, SELF_TEST } from './new-worker.ts'

let sql: Sql
beforeAll(async () => {
  sql = connect(await createDatabase(), { name: 'test workers' })
})
afterEach(async () => {
  for (const { id } of await listWorkers(sql)) await removeWorker(sql, id)
})
afterAll(() => sql.end())

const sandboxes = { blank: 1, idle: 2, total: 4 }
const alive = { aliveSeconds: 60, draining: false, sandboxes }
/** A beat whose promise is over already. */
const silent = { ...alive, aliveSeconds: 0 }
const states = async () => (await listWorkers(sql)).map(({ state }) => state)

test('a worker is listed with what it said of itself', async () => {
  const worker = newWorker({ slots: { high_priority: 4, long_running: 1 } })
  await registerWorker(sql, worker, alive)
  const [listed] = await listWorkers(sql)
  expect(listed).toMatchObject({ ...worker, state: 'alive', sandboxes })
  expect(listed?.aliveUntil.getTime()).toBeGreaterThan(listed?.startedAt.getTime() ?? Number.NaN)
})

test('a worker that is silent for longer than it promised is lost, and alive again with its next beat', async () => {
  const worker = newWorker()
  await registerWorker(sql, worker, silent)
  expect(await states()).toEqual(['lost'])
  expect(await reportAlive(sql, worker.id, alive)).toBe(true)
  expect(await states()).toEqual(['alive'])
})

test('a worker that drains goes on draining, whichever of its beats comes last', async () => {
  const worker = newWorker()
  await registerWorker(sql, worker, alive)
  await reportAlive(sql, worker.id, { ...alive, draining: true })
  await reportAlive(sql, worker.id, alive)
  expect(await states()).toEqual(['draining'])
})

test('lost workers are forgotten after a while, and only they', async () => {
  const [lost, living] = [newWorker(), newWorker()]
  await registerWorker(sql, lost, silent)
  await registerWorker(sql, living, alive)
  expect(await removeLostWorkers(sql, { silentSeconds: 3_600 })).toEqual([])
  expect(await removeLostWorkers(sql, { silentSeconds: 0 })).toEqual([{ id: lost.id, name: lost.name }])
  expect((await listWorkers(sql)).map(({ id }) => id)).toEqual([living.id])
  expect(await reportAlive(sql, lost.id, alive)).toBe(false)
})

const keep = () =>
  keepRegistered({
    sql,
    sandboxes: { report: SELF_TEST, count: () => sandboxes },
    logger: createLogger('test', 'silent'),
    name: 'kept',
    kind: 'consumer',
    slots: { default: 2 },
    aliveSeconds: 1,
  })

test('a process that was taken for dead registers again by itself', async () => {
  const registration = await keep()
  await removeWorker(sql, registration.id)
  await expect.poll(async () => (await listWorkers(sql)).map(({ id }) => id)).toEqual([registration.id])
  await registration.stop()
  expect(await states()).toEqual([])
})

test('a process that drains is listed so until it leaves', async () => {
  const registration = await keep()
  registration.drain()
  await expect.poll(states).toEqual(['draining'])
  await registration.stop()
  expect(await states()).toEqual([])
})
