import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../shared/database/index.ts'
import { countTasks, findUnfinished, listTasks, type TaskFilter } from '../../shared/tasks/index.ts'
import { connectExplaining, countRead, type Explained, readsWhole } from '../database/explain.ts'
import { createDatabase } from '../services/postgres.ts'
import { fillTasks } from './fill-tasks.ts'

const TENANTS = 5
const TASKS_EACH = 40_000
const PAGE = 51
/** A page may pass over some rows that a second filter or a neighbour's share of a day takes out, and no more. */
const MAX_READ_FOR_A_PAGE = 2_500
const MAX_READ_FOR_A_FOUND = 5

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
const filters: [string, Partial<TaskFilter>, number?][] = [
  ['without a filter', {}],
  ['of a frequent status', { status: 'completed' }],
  ['of a rare status', { status: 'running' }],
  ['that wait', { status: 'queued' }],
  ['of a frequent lane', { lane: 'default' }],
  ['of a rare lane', { lane: 'long_running' }],
  ['of a function', { handler: 'handler_5' }],
  ['of a function that never ran', { handler: 'nobody' }],
  ['that are dead letters', { dead: true }],
  ['that failed for a reason', { failureCode: 'worker_lost' }],
  ['with a frequent label', { labels: { stage: 'test' } }],
  ['with a rare label', { labels: { run: '20' } }],
  // A plan that does not know which of the two is rare reads both.
  ['with two labels', { labels: { stage: 'test', run: '20' } }, TASKS_EACH / 4],
  ['of the last day', { createdAfter: daysAgo(1) }],
  ['of a day long ago', { createdAfter: daysAgo(80), createdBefore: daysAgo(79) }],
  ['from before a day long ago', { createdBefore: daysAgo(80) }],
  [
    'of a status on a day long ago',
    { status: 'failed', createdAfter: daysAgo(80), createdBefore: daysAgo(79) },
  ],
]

let url: string
let tenantId: string
beforeAll(async () => {
  url = await createDatabase()
  const sql = connect(url, { name: 'test', maxConnections: 1, statementTimeoutMs: 120_000 })
  ;[tenantId = ''] = await fillTasks(sql, { tenants: TENANTS, tasksEach: TASKS_EACH }).finally(() =>
    sql.end(),
  )
}, 120_000)

// PostgreSQL plans a statement for its parameters at first, and may settle for one plan for all of them.
describe.each(['custom', 'generic'] as const)(`of ${TENANTS * TASKS_EACH} tasks, by a %s plan,`, (plans) => {
  let explaining: ReturnType<typeof connectExplaining>
  beforeAll(() => {
    explaining = connectExplaining(url, plans)
  })
  afterAll(() => explaining.sql.end())

  const explain = async <T>(run: () => Promise<T>): Promise<{ answer: T; plans: Explained[] }> => {
    explaining.take()
    const answer = await run()
    return { answer, plans: explaining.take().filter(({ query }) => query.includes('from tasks task')) }
  }

  test.each(filters)('a page of tasks %s reads little more than itself', async (_, filter, more = 0) => {
    const run = () => listTasks(explaining.sql, tenantId, { labels: {}, ...filter }, { limit: PAGE })
    const { plans } = await explain(run)
    expect(plans).toHaveLength(1)
    expect(plans.filter(readsWhole).map(({ query }) => query)).toEqual([])
    expect(countRead(plans)).toBeLessThanOrEqual(MAX_READ_FOR_A_PAGE + more)
  })

  test.each(filters)(
    'a count of tasks %s reads little more than what it counts',
    async (_, filter, more = 0) => {
      const run = () => countTasks(explaining.sql, tenantId, { labels: {}, ...filter }, 100_001)
      const { answer, plans } = await explain(run)
      expect(plans).toHaveLength(1)
      expect(plans.filter(readsWhole).map(({ query }) => query)).toEqual([])
      expect(countRead(plans)).toBeLessThanOrEqual(MAX_READ_FOR_A_FOUND * answer + MAX_READ_FOR_A_PAGE + more)
    },
  )

  test('unfinished tasks are found among the ended ones without reading those', async () => {
    const all = { labels: {}, createdBefore: daysAgo(0) }
    const { answer, plans } = await explain(() =>
      findUnfinished(explaining.sql, tenantId, all, { limit: 500 }),
    )
    expect(answer).toHaveLength((TASKS_EACH * 10) / 1_000)
    expect(plans.filter(readsWhole).map(({ query }) => query)).toEqual([])
    expect(countRead(plans)).toBeLessThanOrEqual(MAX_READ_FOR_A_PAGE)
  })
})
