import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type Sql } from '../../shared/database/index.ts'
import { admitTurns } from '../../shared/lanes/admit-turns.ts'
import { LANES, type Lane } from '../../shared/lanes/index.ts'
import { moveRunningTask } from '../../shared/tasks/claim-task.ts'
import {
  type AttemptEnd,
  type Claim,
  cancelTasks,
  claimTask,
  expireTasks,
  finishAttempt,
  reapLostAttempts,
  renewLeases,
  submitTasks,
} from '../../shared/tasks/index.ts'
import type { Member } from '../../shared/tenants/index.ts'
import { createDatabase } from '../services/postgres.ts'
import { addWorker } from './admit.ts'
import { createMember, newTask } from './new-task.ts'

const RUNS = 60
const LEASE_SECONDS = 60

let sql: Sql
let member: Member
beforeAll(async () => {
  sql = connect(await createDatabase(), { name: 'test', maxConnections: 12, durability: 'relaxed' })
  member = await createMember(sql)
  await addWorker(sql, { high_priority: 1_000, default: 1_000, long_running: 1_000 })
})
afterAll(() => sql.end())

const completed: AttemptEnd = { outcome: 'completed', result: { text: '1', sizeBytes: 1 }, artifacts: [] }
const ends = {
  completed,
  failed: { outcome: 'failed', failureCode: 'user_error', message: 'no' },
  'failed for a while': { outcome: 'failed', failureCode: 'sandbox_error', message: 'later' },
  'given back': { outcome: 'returned', reason: 'worker_stopped' },
  overrun: { outcome: 'returned', reason: 'overrun' },
  cancelled: { outcome: 'cancelled' },
} as const satisfies Record<string, AttemptEnd>
type EndName = keyof typeof ends

type Step =
  | { does: 'cancel' | 'cancel all' | 'expire' | 'lose' | 'reap' | 'admit' | 'wake'; task: number }
  | { does: 'run'; task: number; renews: number; moves: boolean; end: EndName }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('cancel' as const), task: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constantFrom('cancel all', 'expire', 'lose', 'reap', 'admit', 'wake'),
      task: fc.nat(),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      does: fc.constant('run' as const),
      task: fc.nat(),
      renews: fc.nat({ max: 2 }),
      moves: fc.boolean(),
      end: fc.constantFrom(...(Object.keys(ends) as EndName[])),
    }),
  },
)
const anyTask = fc.record({
  lane: fc.constantFrom<Lane>('high_priority', 'default'),
  waits: fc.constantFrom('for its turn', 'for its time', 'for its key'),
  maxAttempts: fc.integer({ min: 1, max: 3 }),
  repeatable: fc.boolean(),
})

const admit = async () => {
  const news = {
    settlements: [{ tenantId: member.tenantId, seconds: 0 }],
    freedKeys: [{ tenantId: member.tenantId, key: 'key' }],
  }
  for (const lane of LANES) await admitTurns(sql, lane, news, 64)
}
const wake = (id: string) =>
  sql`update turns set run_at = now() where task_id = ${id} and stage = 'scheduled'`

const run = async (id: string, { renews, moves, end }: Extract<Step, { does: 'run' }>) => {
  const claim: Claim | undefined = await claimTask(sql, { taskId: id }, 'test', LEASE_SECONDS)
  if (!claim) return
  for (let renewal = 0; renewal < renews; renewal += 1) await renewLeases(sql, [claim], LEASE_SECONDS)
  if (moves) await moveRunningTask(sql, claim, 'long_running')
  await finishAttempt(sql, claim, ends[end])
}

const take = async (step: Step, ids: readonly string[]) => {
  const id = ids[step.task % ids.length] ?? ''
  switch (step.does) {
    case 'run':
      return await run(id, step)
    case 'cancel':
      return await cancelTasks(sql, member.tenantId, [id])
    case 'cancel all':
      return await cancelTasks(sql, member.tenantId, ids)
    case 'expire':
      await sql`update turns set expires_at = now() where task_id = ${id}`
      return await expireTasks(sql, 10)
    case 'lose':
      return await sql`update tasks set lease_expires_at = now() - interval '1 s' where id = ${id} and status = 'running'`
    case 'reap':
      return await reapLostAttempts(sql, { leaseSeconds: 0, limit: 10 })
    case 'admit':
      return await admit()
    case 'wake':
      return await wake(id)
  }
}

type Told = {
  id: string
  status: string
  cancelRequested: boolean
  events: string
  turns: number
  openAttempts: number
}
const tell = async (ids: readonly string[]): Promise<Told[]> =>
  await sql<Told[]>`
    select
      id,
      status,
      cancel_requested_at is not null as "cancelRequested",
      (
        select string_agg(substr(type, 6), ' ' order by id) from events where task_id = task.id
      ) as events,
      (select count(*)::int from turns where task_id = task.id) as turns,
      (select count(*)::int from attempts where task_id = task.id and ended_at is null) as "openAttempts"
    from tasks task
    where id = any (${ids}::uuid[])`

/** What a task's events may say, in order: it waits and runs any number of times, and then ends, once. */
const LEGAL = /^queued( running( moved)* queued)*( running( moved)*)?( completed| failed| cancelled)?$/

test('however claims, ends, cancellations, expiries and losses fall together, a task ends once, and legally', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyTask, { minLength: 1, maxLength: 6 }),
      fc.array(fc.array(anyStep, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 6 }),
      async (tasks, actors) => {
        const submissions = tasks.map(({ lane, waits, maxAttempts, repeatable }) => ({
          member,
          task: newTask({
            lane,
            maxAttempts,
            repeatable,
            runAt: waits === 'for its time' ? new Date(Date.now() + 3_600_000) : undefined,
            concurrency: waits === 'for its key' ? { key: 'key', limit: 1 } : undefined,
          }),
        }))
        await submitTasks(sql, submissions)
        const ids = submissions.map(({ task }) => task.id)
        await admit()
        await Promise.all(
          actors.map(async (steps) => {
            for (const step of steps) await take(step, ids)
          }),
        )

        for (const told of await tell(ids)) {
          expect(told.events).toMatch(LEGAL)
          // Who was to be cancelled runs to its end or has one: it never waits again.
          if (told.cancelRequested) expect(told.status).not.toBe('queued')
        }
        await cancelTasks(sql, member.tenantId, ids)
        await sql`update tasks set lease_expires_at = now() - interval '1 s' where id = any (${ids}::uuid[]) and status = 'running'`
        await reapLostAttempts(sql, { leaseSeconds: 0, limit: 10 })
        for (const told of await tell(ids)) {
          expect(told.events).toMatch(LEGAL)
          expect(told.events.split(' ').at(-1)).toBe(told.status)
          expect(['completed', 'failed', 'cancelled']).toContain(told.status)
          expect(told).toMatchObject({ turns: 0, openAttempts: 0 })
        }
      },
    ),
    { numRuns: RUNS },
  )
  const loads =
    await sql`select lane, sum(tasks)::int as tasks from lane_loads group by lane having sum(tasks) <> 0`
  expect(loads).toEqual([])
})
