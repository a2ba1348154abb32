import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { finishAttempt } from '../../shared/tasks/index.ts'
import { admitAndClaim } from '../tasks/admit.ts'
import { startTestGateway, type TestGateway } from './app.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.stop())

type TaskBody = { id: string; status: string; dead_reason: string | null; replay_of: string | null }
type Verdict = { task?: TaskBody; problem?: { status: number; errors?: { loc: unknown[] }[] } }

const task = (changes: object = {}) => ({ code: 'def f(x=1): return x', handler: 'f', ...changes })
const post = async (path: string, body: unknown, headers: Record<string, string> = {}) =>
  await gateway.fetch('POST', path, { body: typeof body === 'string' ? body : JSON.stringify(body), headers })
const submit = async (changes: object = {}) =>
  ((await (await post('/tasks', task(changes))).json()) as TaskBody).id
const read = async (id: string) => (await (await gateway.fetch('GET', `/tasks/${id}`)).json()) as TaskBody
const asOperator = async (method: string, path: string, body?: object) =>
  await gateway.fetch(method, path, {
    token: await gateway.token('platform', 'olga', ['operator']),
    ...(body && { body: JSON.stringify(body) }),
  })
const patchLane = (lane: string, body: object) => asOperator('PATCH', `/admin/lanes/${lane}`, body)
const fail = async (id: string, failureCode: 'worker_lost' | 'user_error') => {
  const { sql } = gateway.dependencies
  await finishAttempt(sql, await admitAndClaim(sql, id), {
    outcome: 'failed',
    failureCode,
    message: 'it failed',
  })
}

describe('batches', () => {
  test('each submission has its own verdict, in order, and a bad one keeps no good one out', async () => {
    const response = await post('/tasks/batch', {
      tasks: [
        task({ name: 'first' }),
        { handler: 'f' },
        task({ name: 'last', priority: 11 }),
        task({ name: 'good' }),
      ],
    })
    expect(response.status).toBe(200)
    const { verdicts } = (await response.json()) as { verdicts: Verdict[] }
    expect(verdicts).toMatchObject([
      { task: { name: 'first', status: 'queued' } },
      { problem: { status: 422, errors: [{ loc: ['body', 'code'] }] } },
      { problem: { status: 422, errors: [{ loc: ['body', 'priority'] }] } },
      { task: { name: 'good' } },
    ])
  })

  test('inputs reach the worker to the letter', async () => {
    const text = `{"tasks":[${JSON.stringify(task())}, {"code":"def f(x): pass","handler":"f","inputs": {"x":583.0 , "y":9223372036854775809}}]}`
    const { verdicts } = (await (await post('/tasks/batch', text)).json()) as { verdicts: Verdict[] }
    const claim = await admitAndClaim(gateway.dependencies.sql, verdicts[1]?.task?.id ?? '')
    expect(claim.inputs).toBe('{"x":583.0 , "y":9223372036854775809}')
  })

  test('a thousand are taken, one more is not, nor is none', async () => {
    const many = (count: number) => ({
      tasks: Array.from({ length: count }, () => task({ labels: { many: 'yes' } })),
    })
    expect((await post('/tasks/batch', many(1_000))).status).toBe(200)
    expect((await post('/tasks/batch', many(1_001))).status).toBe(422)
    expect((await post('/tasks/batch', many(0))).status).toBe(422)
    const stopped = await post('/tasks/cancel?label=many=yes', '')
    expect(await stopped.json()).toEqual({ cancelled: 1_000, stopping: 0 })
  })

  test('a batch that is sent twice with one key is recorded once', async () => {
    const body = { tasks: [task({ name: 'a' }), task({ name: 'b' })] }
    const ids = async () => {
      const response = await post('/tasks/batch', body, { 'idempotency-key': 'batch-1' })
      return ((await response.json()) as { verdicts: Verdict[] }).verdicts.map((verdict) => verdict.task?.id)
    }
    const first = await ids()
    expect(first).toHaveLength(2)
    expect(await ids()).toEqual(first)
  })
})

describe('lanes', () => {
  test('are for operators alone', async () => {
    expect((await gateway.fetch('GET', '/admin/lanes')).status).toBe(403)
    const { lanes } = (await (await asOperator('GET', '/admin/lanes')).json()) as {
      lanes: { name: string }[]
    }
    expect(lanes.map(({ name }) => name)).toEqual(['high_priority', 'default', 'long_running'])
  })

  test('a full lane answers when to come back, and the last place is given', async () => {
    await post('/tasks/cancel?lane=long_running', '')
    const taskIn = () => post('/tasks', task({ lane: 'long_running' }))
    await patchLane('long_running', { max_tasks: 2 })
    await expect.poll(async () => (await taskIn()).status, { timeout: 5_000 }).toBe(429)
    const refused = await taskIn()
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ code: 'LANE_FULL' })
    await patchLane('long_running', { max_tasks: 1_000 })
    await expect.poll(async () => (await taskIn()).status, { timeout: 5_000 }).toBe(202)
  })

  test('a threshold that changes routes the next tasks', async () => {
    const laneOf = async () =>
      ((await (await post('/tasks', task({ estimated_seconds: 8 }))).json()) as { lane: string }).lane
    expect(await laneOf()).toBe('default')
    await patchLane('high_priority', { up_to_seconds: 10 })
    await expect.poll(laneOf, { timeout: 5_000 }).toBe('high_priority')
    await patchLane('high_priority', { up_to_seconds: 5 })
    await expect.poll(laneOf, { timeout: 5_000 }).toBe('default')
  })

  test.each([
    ['high_priority', { up_to_seconds: 300 }],
    ['long_running', { up_to_seconds: 100 }],
    ['default', { max_in_flight: 0 }],
    ['default', { starts_per_minute: null }],
    ['default', { unknown: 1 }],
  ])('%s refuses %o', async (lane, patch) => {
    expect((await patchLane(lane, patch)).status).toBe(422)
  })
})

describe('ending many', () => {
  test('every unfinished task that a filter finds is stopped, and no other', async () => {
    const labelled = await Promise.all([1, 2, 3].map(() => submit({ labels: { sweep: 'a' } })))
    const other = await submit({ labels: { sweep: 'b' } })
    const running = labelled[0] ?? ''
    await admitAndClaim(gateway.dependencies.sql, running)
    const response = await post('/tasks/cancel?label=sweep=a', '')
    expect(await response.json()).toEqual({ cancelled: 2, stopping: 1 })
    expect(await read(running)).toMatchObject({ status: 'running', cancel_requested: true })
    expect((await read(labelled[1] ?? '')).status).toBe('cancelled')
    expect((await read(other)).status).toBe('queued')
    expect((await post('/tasks/cancel', '')).status).toBe(422)
  })

  test('a filter’s tasks are counted', async () => {
    await submit({ labels: { counted: 'yes' } })
    const response = await gateway.fetch('GET', '/tasks/count?label=counted=yes')
    expect(await response.json()).toEqual({ count: 1, complete: true })
  })
})

describe('dead letters', () => {
  const die = async (changes: object = {}) => {
    const id = await submit({ retry: { max_attempts: 1 }, ...changes })
    await fail(id, 'worker_lost')
    return id
  }

  test('are the tasks whose failure is one to try again and was not, with the reason', async () => {
    const exhausted = await die({ labels: { dead: 'a' } })
    const once = await die({ labels: { dead: 'a' }, repeatable: false, retry: { max_attempts: 3 } })
    const ordinary = await submit({ labels: { dead: 'a' } })
    await fail(ordinary, 'user_error')
    const page = (await (await gateway.fetch('GET', '/tasks?dead=true&label=dead=a')).json()) as {
      tasks: TaskBody[]
    }
    expect(page.tasks.map(({ id, dead_reason }) => [id, dead_reason])).toEqual([
      [once, 'not_repeatable'],
      [exhausted, 'attempts_exhausted'],
    ])
  })

  test('are replayed in bulk, once each, as new tasks', async () => {
    const ids = [await die({ labels: { dead: 'b' } }), await die({ labels: { dead: 'b' } })]
    const replay = async () =>
      (await (await post('/tasks/replay?label=dead=b', '')).json()) as {
        tasks: TaskBody[]
        complete: boolean
      }
    const { tasks, complete } = await replay()
    expect(tasks.map(({ replay_of }) => replay_of).sort()).toEqual(ids.sort())
    expect(complete).toBe(true)
    expect((await replay()).tasks).toEqual([])
    const claim = await admitAndClaim(gateway.dependencies.sql, tasks[0]?.id ?? '')
    expect(claim.code).toBe(task().code)
  })

  test('a task runs again as a new one once it has ended, and not before', async () => {
    const id = await submit()
    expect((await post(`/tasks/${id}/retry`, '')).status).toBe(409)
    await fail(id, 'user_error')
    const response = await post(`/tasks/${id}/retry`, '')
    expect(response.status).toBe(202)
    expect(await response.json()).toMatchObject({ replay_of: id, status: 'queued' })
    expect((await read(id)).status).toBe('failed')
  })
})
