import type { Sql } from '../../shared/database/index.ts'
import { admitTurns } from '../../shared/lanes/admit-turns.ts'
import type { Lane } from '../../shared/lanes/index.ts'
import type { SandboxLevel } from '../../shared/sandbox/index.ts'
import { type Claim, claimTask } from '../../shared/tasks/index.ts'
import { registerWorker } from '../../shared/workers/index.ts'
import { newWorker, SELF_TEST } from '../workers/new-worker.ts'

const NO_NEWS = { settlements: [], freedKeys: [] }

/** A worker that is there for as long as the test, so that tasks are admitted. */
export const addWorker = async (
  sql: Sql,
  slots: Partial<Record<Lane, number>>,
  level: SandboxLevel = 'container',
): Promise<void> => {
  const beat = { aliveSeconds: 3_600, draining: false, sandboxes: { blank: 0, idle: 0, total: 0 } }
  await registerWorker(sql, newWorker({ slots, selfTest: { ...SELF_TEST, level } }), beat)
}

/** Claims a task at once: lets its time come, admits it, and takes it. */
export const admitAndClaim = async (sql: Sql, taskId: string, worker = 'test'): Promise<Claim> => {
  const [workers] = await sql<[{ count: number }]>`select count(*)::int as count from workers`
  if (workers.count === 0)
    await addWorker(sql, { high_priority: 10_000, default: 10_000, long_running: 10_000 })
  const [turn] = await sql<[{ lane: Lane; tenantId: string }?]>`
    update turns set run_at = now() where task_id = ${taskId} returning lane, tenant_id as "tenantId"`
  if (!turn) throw new Error('it has no turn')
  await admitTurns(
    sql,
    turn.lane,
    { ...NO_NEWS, settlements: [{ tenantId: turn.tenantId, seconds: 0 }] },
    1_000,
  )
  const claim = await claimTask(sql, { taskId }, worker, 30)
  if (!claim) throw new Error('it was not admitted')
  return claim
}
