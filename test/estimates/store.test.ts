import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type Sql } from '../../shared/database/index.ts'
import {
  EstimateSettings,
  hashInlineFunction,
  type Observation,
  openEstimator,
  startLearning,
} from '../../shared/estimates/index.ts'
import { learn } from '../../shared/estimates/learn.ts'
import { createId } from '../../shared/id.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import { createDatabase } from '../services/postgres.ts'
import { createMember } from '../tasks/new-task.ts'
import { newRequest } from './memory.ts'

const logger = createLogger('test', 'silent')
const settings = EstimateSettings.parse({ learnIntervalMs: 5, refreshMs: 5 })

let url: string
let sql: Sql
beforeAll(async () => {
  url = await createDatabase()
  sql = connect(url, { name: 'test' })
})
afterAll(() => sql.end())

const newTenant = async () => (await createMember(sql, `tenant-${createId().slice(-12)}`)).tenantId

const run = (tenantId: string, seconds: number, changes: Partial<Observation> = {}): Observation => ({
  tenantId,
  userId: 'ada',
  functionKey: 'beam',
  inputBytes: 1_000,
  seconds,
  completed: true,
  ...changes,
})

const open = (changes: Partial<EstimateSettings> = {}, connection = sql) =>
  openEstimator({ sql: connection, logger, settings: { ...settings, ...changes } })

const readRows = (tenantId: string) => sql<
  { subject: string; revision: string; cells: number[]; weights: number[] }[]
>`
  select subject, revision, cells, weights from runtime_histories where tenant_id = ${tenantId} order by subject`

const until = async (isSo: () => Promise<boolean>) => {
  while (!(await isSo())) await delay(5)
}

test('what one process learned another one knows, also after both are gone', async () => {
  const tenantId = await newTenant()
  const worker = connect(url, { name: 'worker', maxConnections: 1 })
  await learn(worker, [run(tenantId, 120), run(tenantId, 120)], settings)
  await worker.end()
  const { source, expectedSeconds } = await open().estimate(newRequest({ tenantId }))
  expect(source).toBe('history')
  expect(expectedSeconds).toBeGreaterThan(100)
  expect(expectedSeconds).toBeLessThan(140)
})

test('of what many workers report about one function at once nothing is lost or counted twice', async () => {
  const tenantId = await newTenant()
  const report = async () => {
    for (let left = 5; left > 0; left -= 1) {
      while ((await learn(sql, [run(tenantId, 10), run(tenantId, 10)], settings)) > 0) {}
    }
  }
  await Promise.all([report(), report(), report(), report()])
  const [row, ...others] = await readRows(tenantId)
  expect(others).toEqual([])
  expect(row).toMatchObject({ subject: 'function:beam', revision: '20' })
  // Forty observations, each of which left 0.99 of those before it.
  expect(row?.weights).toHaveLength(1)
  expect(row?.weights[0]).toBeCloseTo((1 - 0.99 ** 40) / (1 - 0.99), 3)
})

test('workers that report about the same functions in different order do not stop each other', async () => {
  const tenantId = await newTenant()
  const names = Array.from({ length: 30 }, (_, index) => `function-${index}`)
  const report = (order: string[]) =>
    learn(
      sql,
      order.map((functionKey) => run(tenantId, 1, { functionKey })),
      settings,
    )
  const reports = Array.from({ length: 12 }, (_, index) =>
    report(index % 2 === 0 ? names : names.toReversed()),
  )
  await Promise.all(reports)
  expect(await readRows(tenantId)).toHaveLength(30)
})

test('a tenant keeps so many histories and no more: those that ran longest ago make room', async () => {
  const tenantId = await newTenant()
  const limits = { maxHistoriesPerTenant: 3 }
  for (const functionKey of ['a', 'b', 'c', 'a', 'd'])
    await learn(sql, [run(tenantId, 1, { functionKey })], limits)
  const subjects = (await readRows(tenantId)).map(({ subject }) => subject)
  expect(subjects).toEqual(['function:a', 'function:c', 'function:d'])
})

test('one tenant’s many functions push out none of another’s', async () => {
  const [quiet, busy] = [await newTenant(), await newTenant()]
  await learn(sql, [run(quiet, 1)], { maxHistoriesPerTenant: 2 })
  const flood = Array.from({ length: 50 }, (_, index) => run(busy, 1, { functionKey: `function-${index}` }))
  await learn(sql, [...flood, run(quiet, 1)], { maxHistoriesPerTenant: 2 })
  expect(await readRows(quiet)).toHaveLength(1)
  expect(await readRows(busy)).toHaveLength(2)
})

test('tenants that run the same code share nothing', async () => {
  const [one, other] = [await newTenant(), await newTenant()]
  const functionKey = hashInlineFunction('def f(): ...', 'f')
  await learn(sql, [run(one, 500, { functionKey })], settings)
  expect((await open().estimate(newRequest({ tenantId: one, functionKey }))).source).toBe('history')
  expect((await open().estimate(newRequest({ tenantId: other, functionKey }))).source).toBe('tier')
})

test('a function’s key may be any text', async () => {
  const tenantId = await newTenant()
  for (const functionKey of ['', '\u0000', 'é'.repeat(10_000), '\ud800', "'; drop table tasks --"]) {
    await learn(sql, [run(tenantId, 1, { functionKey })], settings)
    expect((await open().estimate(newRequest({ tenantId, functionKey }))).source).toBe('history')
  }
})

test('the database holds no history that is too large or that does not add up', async () => {
  const tenantId = await newTenant()
  const insert = (cells: number[], weights: number[]) => sql`
    insert into runtime_histories (tenant_id, subject, revision, cells, weights, streak)
    values (${tenantId}, 'function:x', 1, ${cells}, ${weights}, 0)`
  const ones = (count: number) => Array.from({ length: count }, () => 1)
  await expect(insert(ones(257), ones(257))).rejects.toThrow('runtime_histories_cells_check')
  await expect(insert(ones(2), ones(3))).rejects.toThrow('check constraint')
  await insert(ones(256), ones(256))
})

describe('the memory of a process', () => {
  test('answers without the database what it has read before', async () => {
    const tenantId = await newTenant()
    await learn(sql, [run(tenantId, 120)], settings)
    const connection = connect(url, { name: 'gateway', maxConnections: 1 })
    const { estimate } = open({ refreshMs: 60_000 }, connection)
    const first = await estimate(newRequest({ tenantId }))
    await connection.end()
    expect(first.source).toBe('history')
    expect(await estimate(newRequest({ tenantId }))).toEqual(first)
  })

  test('reads again what has become old, beside the request', async () => {
    const tenantId = await newTenant()
    const { estimate } = open()
    expect((await estimate(newRequest({ tenantId }))).source).toBe('tier')
    await learn(sql, [run(tenantId, 120)], settings)
    await until(async () => (await estimate(newRequest({ tenantId }))).source === 'history')
  })

  test('has room for so many histories, and what does not fit is read again', async () => {
    const tenantId = await newTenant()
    const { estimate } = open({ maxRemembered: 4, refreshMs: 60_000 })
    await estimate(newRequest({ tenantId }))
    await learn(sql, [run(tenantId, 120)], settings)
    expect((await estimate(newRequest({ tenantId }))).source).toBe('tier')
    for (const functionKey of ['a', 'b', 'c', 'd']) await estimate(newRequest({ tenantId, functionKey }))
    expect((await estimate(newRequest({ tenantId }))).source).toBe('history')
  })

  test('a thousand requests at one moment are answered from few statements', async () => {
    const tenantId = await newTenant()
    const functionKeys = Array.from({ length: 1_000 }, (_, index) => `function-${index}`)
    await learn(
      sql,
      functionKeys.map((functionKey) => run(tenantId, 120, { functionKey })),
      settings,
    )
    const connection = connect(url, { name: 'gateway', maxConnections: 1 })
    const { estimate } = open({}, connection)
    const sources = await Promise.all(
      functionKeys.map(async (functionKey) => (await estimate(newRequest({ tenantId, functionKey }))).source),
    )
    // A connection counts how often each of its statements ran.
    const [statements] = await connection<{ prepared: number }[]>`
      select sum(generic_plans + custom_plans)::integer as prepared from pg_prepared_statements`
    await connection.end()
    expect(new Set(sources)).toEqual(new Set(['history']))
    expect(statements?.prepared).toBeLessThanOrEqual(5)
  })

  test('without a database estimates go by what callers and tiers say', async () => {
    const connection = connect(url, { name: 'gateway', maxConnections: 1 })
    await connection.end()
    const { estimate } = open({}, connection)
    expect(await estimate(newRequest({ callerSeconds: 2 }))).toMatchObject({ source: 'caller', seconds: 2 })
    expect(await estimate(newRequest())).toMatchObject({ source: 'tier', seconds: 30 })
  })
})

describe('learning beside the work', () => {
  test('is done soon after an observation, without anybody waiting for it', async () => {
    const tenantId = await newTenant()
    const { observe, stop } = startLearning({ sql, logger, settings })
    observe(run(tenantId, 1))
    await until(async () => (await readRows(tenantId)).length === 1)
    await stop()
  })

  test('is finished when the process stops', async () => {
    const tenantId = await newTenant()
    const { observe, stop } = startLearning({
      sql,
      logger,
      settings: { ...settings, learnIntervalMs: 60_000 },
    })
    for (let index = 0; index < 1_200; index += 1)
      observe(run(tenantId, 1, { functionKey: `function-${index % 7}` }))
    await stop()
    observe(run(tenantId, 1, { functionKey: 'too-late' }))
    await stop()
    expect(await readRows(tenantId)).toHaveLength(7)
  })

  test('gathers so many observations and leaves out what comes beyond them', async () => {
    const tenantId = await newTenant()
    const { observe, stop } = startLearning({
      sql,
      logger,
      settings: { ...settings, maxWaitingObservations: 3 },
    })
    for (const functionKey of ['a', 'b', 'c', 'd']) observe(run(tenantId, 1, { functionKey }))
    await stop()
    const subjects = (await readRows(tenantId)).map(({ subject }) => subject)
    expect(subjects).toEqual(['function:a', 'function:b', 'function:c'])
  })

  test('goes on when the database refuses something, and ends at once when it is away', async () => {
    const tenantId = await newTenant()
    const { observe, stop } = startLearning({ sql, logger, settings })
    observe(run(createId(), 1))
    await delay(0)
    observe(run(tenantId, 1))
    await until(async () => {
      observe(run(tenantId, 1))
      return (await readRows(tenantId)).length === 1
    })
    await stop()
    const away = connect(url, { name: 'worker', maxConnections: 1 })
    await away.end()
    const lost = startLearning({ sql: away, logger, settings })
    for (let index = 0; index < 2_000; index += 1) lost.observe(run(tenantId, 1))
    await lost.stop()
  })
})
