import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../shared/database/index.ts'
import { deleteDueObjects } from '../../shared/retention/index.ts'
import { removeOverdueUploads } from '../../shared/retention/remove-uploads.ts'
import { openStore } from '../../shared/storage/index.ts'
import {
  findOverdue,
  findUnnamedObjects,
  KEPT_KINDS,
  removeOverdue,
  removeOverdueKeys,
} from '../../shared/tasks/index.ts'
import { connectExplaining, countRead, readsWhole } from '../database/explain.ts'
import { createDatabase } from '../services/postgres.ts'
import { fillTasks } from '../tasks/fill-tasks.ts'
import { fillHistory } from './fill-history.ts'

const TENANTS = 5
const TASKS_EACH = 10_000
const BATCH = 200
/** A task of the filled database leaves about ten rows; each is found by an index and then read. */
const MAX_READ = 40 * BATCH

let url: string
let directory: string
let tenantIds: string[]
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'retention-'))
  url = await createDatabase()
  const sql = connect(url, { name: 'test', maxConnections: 1, statementTimeoutMs: 120_000 })
  tenantIds = await fillTasks(sql, { tenants: TENANTS, tasksEach: TASKS_EACH })
  await fillHistory(sql).finally(() => sql.end())
}, 120_000)
afterAll(() => rm(directory, { recursive: true }))

describe.each(['custom', 'generic'] as const)('by a %s plan a round reads no table as a whole:', (plans) => {
  let explaining: ReturnType<typeof connectExplaining>
  beforeAll(() => {
    explaining = connectExplaining(url, plans)
  })
  afterAll(() => explaining.sql.end())

  const expectCheap = async (run: () => Promise<unknown>) => {
    await explaining.sql`select 1`
    explaining.take()
    await run()
    const ran = explaining.take().filter(({ query }) => !query.includes('pg_catalog.pg_type'))
    expect(ran.length).toBeGreaterThan(0)
    expect(ran.filter(readsWhole).map(({ query }) => query)).toEqual([])
    expect(countRead(ran)).toBeLessThanOrEqual(MAX_READ)
  }

  test('looking for what is overdue', async () => {
    const periods = tenantIds.flatMap((tenantId) => KEPT_KINDS.map((kind) => ({ tenantId, kind, days: 90 })))
    await expectCheap(async () => {
      expect(await findOverdue(explaining.sql, periods)).toHaveLength(periods.length)
    })
  })

  test.each(KEPT_KINDS)('removing %s', async (kind) => {
    const [tenantId = ''] = tenantIds
    await expectCheap(async () => {
      const removed = await removeOverdue(explaining.sql, { tenantId, kind, days: 80 }, BATCH, async () => {})
      expect(removed).toBe(BATCH)
    })
  })

  test('removing tasks of which nothing went before', async () => {
    const tenantId = tenantIds[1] ?? ''
    await expectCheap(() =>
      removeOverdue(explaining.sql, { tenantId, kind: 'tasks', days: 80 }, BATCH, async () => {}),
    )
  })

  test('removing idempotency keys', async () => {
    const periods = tenantIds.map((tenantId) => ({ tenantId, days: 80 }))
    await expectCheap(async () => {
      expect(await removeOverdueKeys(explaining.sql, periods, BATCH)).toBe(BATCH)
    })
  })

  test('removing uploads', async () => {
    await expectCheap(async () => {
      expect(await removeOverdueUploads(explaining.sql, BATCH)).toBe(BATCH)
    })
  })

  test('taking objects to delete in hand', async () => {
    const options = { publicUrl: 'http://localhost', signingKeys: ['signing-key-of-a-test-0123456789abcdef'] }
    const store = await openStore(pathToFileURL(directory).href, options)
    await expectCheap(async () => {
      expect(await deleteDueObjects(explaining.sql, store, BATCH)).toBe(BATCH)
    })
  })

  test('judging the objects of a search', async () => {
    const objects = await explaining.sql<{ taskId: string; objectKey: string }[]>`
      select id as "taskId", 'tenants/' || tenant_id || '/tasks/' || id || '/attempts/9/logs/log.ndjson' as "objectKey"
      from tasks
      where completed_at < now() - interval '2 days'
      limit ${BATCH}`
    await expectCheap(async () => {
      expect(await findUnnamedObjects(explaining.sql, objects)).not.toEqual([])
    })
  })
})
