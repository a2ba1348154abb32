import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type Sql } from '../../shared/database/index.ts'
import {
  type AttemptEnd,
  cancelTasks,
  claimTask,
  finishAttempt,
  getResult,
  getTask,
  type NewTask,
  reapLostAttempts,
  renewLeases,
  submitTasks,
  type TaskSubmission,
} from '../../shared/tasks/index.ts'
import type { Member } from '../../shared/tenants/index.ts'
import { createDatabase } from '../services/postgres.ts'
import { admitAndClaim } from './admit.ts'
import { createMember, newTask } from './new-task.ts'

const LEASE_SECONDS = 30
const completed: AttemptEnd = {
  outcome: 'completed',
  result: { text: '{"result":583.0}', sizeBytes: 16 },
  artifacts: [],
}
const failed = (failureCode: 'user_error' | 'worker_lost' | 'out_of_memory'): AttemptEnd => ({
  outcome: 'failed',
  failureCode,
  message: 'it failed',
})

let sql: Sql
let member: Member
beforeAll(async () => {
  sql = connect(await createDatabase(), { name: 'test' })
  member = await createMember(sql)
})
afterAll(() => sql.end())

const submitOne = async (submission: TaskSubmission) => {
  const [verdict] = await submitTasks(sql, [submission])
  if (!verdict || verdict instanceof Error) throw verdict
  return verdict
}
const submit = async (changes?: Partial<NewTask>) =>
  (await submitOne({ member, task: newTask(changes) })).task
const claim = (taskId: string) => admitAndClaim(sql, taskId)
const cancel = async (tenantId: string, id: string) => (await cancelTasks(sql, tenantId, [id]))[0]?.status
const read = async (id: string) => {
  const task = await getTask(sql, member.tenantId, id)
  if (!task) throw new Error('no such task')
  return task
}
const eventTypes = async (id: string) =>
  (await sql<{ type: string }[]>`select type from events where task_id = ${id} order by id`).map(
    ({ type }) => type,
  )
const expireLease = (id: string) =>
  sql`update tasks set lease_expires_at = now() - interval '1 second' where id = ${id}`

describe('submitting', () => {
  test('a task is recorded with its first event', async () => {
    const task = await submit()
    expect(task).toMatchObject({ status: 'queued', attempt: 0 })
    expect(await eventTypes(task.id)).toEqual(['task.queued'])
  })

  test('an idempotency key answers its first task again', async () => {
    const idempotency = { key: 'k1', requestSha256: 'same' }
    const first = await submitOne({ member, task: newTask(), idempotency })
    const second = await submitOne({ member, task: newTask(), idempotency })
    expect(second).toMatchObject({ replayed: true, task: { id: first.task.id } })
  })

  test('two requests with one idempotency key at one moment make one task', async () => {
    const idempotency = { key: 'k2', requestSha256: 'same' }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => submitOne({ member, task: newTask(), idempotency })),
    )
    expect(new Set(answers.map(({ task }) => task.id)).size).toBe(1)
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
  })

  test('of equal idempotency keys in one batch one makes a task', async () => {
    const idempotency = { key: 'k5', requestSha256: 'same' }
    const batch = Array.from({ length: 3 }, () => ({ member, task: newTask(), idempotency }))
    const verdicts = await submitTasks(sql, batch)
    const ids = verdicts.map((verdict) => (verdict instanceof Error ? '' : verdict.task.id))
    expect(new Set(ids).size).toBe(1)
  })

  test('a batch has a verdict for each of its submissions, in order', async () => {
    await submitOne({ member, task: newTask(), idempotency: { key: 'k6', requestSha256: 'one' } })
    const [first, refused, last] = await submitTasks(sql, [
      { member, task: newTask({ name: 'first' }) },
      { member, task: newTask(), idempotency: { key: 'k6', requestSha256: 'other' } },
      { member, task: newTask({ name: 'last' }) },
    ])
    expect(first).toMatchObject({ task: { name: 'first' } })
    expect(refused).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(last).toMatchObject({ task: { name: 'last' } })
  })

  test('an idempotency key with another body is refused', async () => {
    await submitOne({ member, task: newTask(), idempotency: { key: 'k3', requestSha256: 'one' } })
    const other = submitOne({ member, task: newTask(), idempotency: { key: 'k3', requestSha256: 'other' } })
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
  })

  test('an idempotency key is its user’s own', async () => {
    const other = await createMember(sql, 'acme', 'grace')
    const mine = await submitOne({ member, task: newTask(), idempotency: { key: 'k4', requestSha256: 'x' } })
    const theirs = await submitOne({
      member: other,
      task: newTask(),
      idempotency: { key: 'k4', requestSha256: 'y' },
    })
    expect(theirs.task.id).not.toBe(mine.task.id)
  })
})

describe('claiming', () => {
  test('of many workers one gets the task', async () => {
    const { id } = await submit()
    const claims = await Promise.allSettled(Array.from({ length: 8 }, () => claim(id)))
    expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('inputs reach the worker to the letter', async () => {
    const text = '{ "b":583.0,"a":[9223372036854775809, "\\ud800"] }'
    const { id } = await submit({ inputs: { text } })
    expect((await claim(id)).inputs).toBe(text)
  })

  test('a task that has ended cannot be claimed', async () => {
    const { id } = await submit()
    await finishAttempt(sql, await claim(id), completed)
    expect(await claimTask(sql, { taskId: id }, 'w', LEASE_SECONDS)).toBeUndefined()
  })
})

describe('ending', () => {
  test('a completed task has its result to the letter and one terminal event', async () => {
    const { id } = await submit()
    await finishAttempt(sql, await claim(id), completed)
    expect((await read(id)).status).toBe('completed')
    expect(await getResult(sql, id)).toEqual({ text: '{"result":583.0}' })
    expect(await eventTypes(id)).toEqual(['task.queued', 'task.running', 'task.completed'])
  })

  test('an attempt ends once, however often its worker says so', async () => {
    const { id } = await submit()
    const claimed = await claim(id)
    const ends = await Promise.all(Array.from({ length: 8 }, () => finishAttempt(sql, claimed, completed)))
    expect(ends.filter((end) => end !== undefined)).toHaveLength(1)
    expect((await eventTypes(id)).filter((type) => type === 'task.completed')).toHaveLength(1)
  })

  test('a user’s error is not tried again', async () => {
    const { id } = await submit()
    await finishAttempt(sql, await claim(id), failed('user_error'))
    expect(await read(id)).toMatchObject({
      status: 'failed',
      failureCode: 'user_error',
      errorMessage: 'it failed',
    })
  })

  test('a failure that the task names is tried again', async () => {
    const { id } = await submit({ retryOn: ['user_error'] })
    await finishAttempt(sql, await claim(id), failed('user_error'))
    expect((await read(id)).status).toBe('queued')
  })

  test('a lost worker’s task is tried again until its attempts are used up', async () => {
    const { id } = await submit({ maxAttempts: 2 })
    await finishAttempt(sql, await claim(id), failed('worker_lost'))
    expect((await read(id)).status).toBe('queued')
    await finishAttempt(sql, await claim(id), failed('worker_lost'))
    expect(await read(id)).toMatchObject({ status: 'failed', failureCode: 'worker_lost', attempt: 2 })
  })
})

describe('leases', () => {
  test('a worker whose lease was taken away changes nothing', async () => {
    const { id } = await submit()
    const zombie = await claim(id)
    await expireLease(id)
    expect(
      (await reapLostAttempts(sql, { leaseSeconds: 0, limit: 10 })).map(({ taskId }) => taskId),
    ).toContain(id)
    const heir = await claim(id)
    expect(await finishAttempt(sql, zombie, completed)).toBeUndefined()
    expect(await renewLeases(sql, [zombie], LEASE_SECONDS)).toEqual([])
    await finishAttempt(sql, heir, completed)
    expect(await eventTypes(id)).toEqual([
      'task.queued',
      'task.running',
      'task.queued',
      'task.running',
      'task.completed',
    ])
  })

  test('a renewed lease is not reaped', async () => {
    const { id } = await submit()
    const claimed = await claim(id)
    await expireLease(id)
    await renewLeases(sql, [claimed], LEASE_SECONDS)
    expect(
      (await reapLostAttempts(sql, { leaseSeconds: 0, limit: 10 })).map(({ taskId }) => taskId),
    ).not.toContain(id)
  })

  test('after a time in which nobody looked, workers have the time of a lease to come back', async () => {
    const { id } = await submit()
    await claim(id)
    await expireLease(id)
    const reap = async () =>
      (await reapLostAttempts(sql, { leaseSeconds: 30, limit: 10 })).map(({ taskId }) => taskId)
    await sql`update lease_watch set looked_at = now() - interval '11 s', calm_since = '-infinity'`
    expect(await reap()).not.toContain(id)
    await sql`update lease_watch set calm_since = now() - interval '29 s'`
    expect(await reap()).not.toContain(id)
    await sql`update lease_watch set calm_since = now() - interval '31 s'`
    expect(await reap()).toContain(id)
  })
})

describe('cancelling', () => {
  test('a waiting task ends at once', async () => {
    const { id } = await submit()
    expect(await cancel(member.tenantId, id)).toBe('cancelled')
    expect(await eventTypes(id)).toEqual(['task.queued', 'task.cancelled'])
  })

  test('a running task learns of it with its heartbeat', async () => {
    const { id } = await submit()
    const claimed = await claim(id)
    expect(await cancel(member.tenantId, id)).toBe('running')
    expect(await renewLeases(sql, [claimed], LEASE_SECONDS)).toEqual([{ taskId: id, cancelRequested: true }])
    expect(await finishAttempt(sql, claimed, { outcome: 'cancelled' })).toMatchObject({ status: 'cancelled' })
  })

  test('a cancelled task whose worker was lost is not tried again', async () => {
    const { id } = await submit()
    const claimed = await claim(id)
    await cancel(member.tenantId, id)
    expect(await finishAttempt(sql, claimed, failed('worker_lost'))).toMatchObject({ status: 'cancelled' })
  })

  test('an ended task stays as it is', async () => {
    const { id } = await submit()
    await finishAttempt(sql, await claim(id), completed)
    expect(await cancel(member.tenantId, id)).toBeUndefined()
    expect((await read(id)).status).toBe('completed')
  })

  test('another tenant’s task is as absent as none', async () => {
    const stranger = await createMember(sql, 'other', 'eve')
    const { id } = await submit()
    expect(await cancel(stranger.tenantId, id)).toBeUndefined()
    expect(await getTask(sql, stranger.tenantId, id)).toBeUndefined()
  })
})
