import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, type Sql } from '../../shared/database/index.ts'
import { admitTurns } from '../../shared/lanes/admit-turns.ts'
import { cancelTasks, claimTask, finishAttempt, renewLeases, submitTasks } from '../../shared/tasks/index.ts'
import { createDatabase } from '../services/postgres.ts'
import { addWorker } from './admit.ts'
import { createMember, newTask } from './new-task.ts'

const ROUNDS = 15
const TASKS = 300

let sql: Sql
beforeAll(async () => {
  sql = connect(await createDatabase(), { name: 'test', maxConnections: 8, durability: 'relaxed' })
  await addWorker(sql, { default: 1_000 })
})
afterAll(() => sql.end())

const repeat = async (times: number, run: (time: number) => Promise<unknown>) => {
  for (let time = 0; time < times; time += 1) await run(time)
}

test('admissions, claims, beats, ends and bulk cancellations of the same tasks never wait for each other in a circle', {
  timeout: 60_000,
}, async () => {
  const member = await createMember(sql)
  const news = { settlements: [{ tenantId: member.tenantId, seconds: 0 }], freedKeys: [] }
  await repeat(ROUNDS, async () => {
    // The order in which they are admitted is not that of their ids.
    const tasks = Array.from({ length: TASKS }, (_, index) => newTask({ priority: index % 10 }))
    await submitTasks(
      sql,
      tasks.map((task) => ({ member, task })),
    )
    const ids = tasks.map(({ id }) => id)
    const admit = () => repeat(6, () => admitTurns(sql, 'default', news, 64))
    const work = async () => {
      const held: { taskId: string; lease: string }[] = []
      await repeat(30, async (time) => {
        const claim = await claimTask(sql, { lane: 'default' }, 'test', 60)
        if (!claim) return
        held.unshift(claim)
        await renewLeases(sql, held, 60)
        if (time % 2 === 0) await finishAttempt(sql, claim, { outcome: 'cancelled' })
      })
    }
    const cancel = () => repeat(4, (time) => cancelTasks(sql, member.tenantId, ids.slice(time * 70)))
    await Promise.all([admit(), admit(), work(), work(), cancel(), cancel()])
    await cancelTasks(sql, member.tenantId, ids)
  })
  const [database] = await sql<[{ deadlocks: string }]>`
    select deadlocks from pg_stat_database where datname = current_database()`
  expect(database.deadlocks).toBe('0')
})
