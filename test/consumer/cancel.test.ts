import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFreePort } from '../../shared/http/serve.ts'
import { type Platform, startPlatform } from '../crash/platform.ts'

let platform: Platform
let otherPort: number
beforeAll(async () => {
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
  otherPort = await findFreePort()
  platform.start('gateway')
  platform.start('gateway', { PORT: String(otherPort) })
  platform.start('consumer', { DEFAULT_CONCURRENCY: '4', LONG_RUNNING_CONCURRENCY: '0' })
}, 60_000)
afterAll(() => platform.stop())

const silent = 'def wait():\n    print("armed")\n    while True:\n        pass\n'
const stubborn = `import signal, time
def wait():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("armed")
    while True:
        time.sleep(1)
`
const cancelElsewhere = async (id: string) => {
  const isThere = () =>
    platform.request('GET', '/health', undefined, otherPort).then(
      ({ ok }) => ok,
      () => false,
    )
  await expect.poll(isThere, { timeout: 20_000 }).toBe(true)
  return await platform.request('POST', `/tasks/${id}/cancel`, undefined, otherPort)
}
const startRunning = async (code: string, more: object = {}) => {
  const id = await platform.submit(code, 'wait', more)
  const readLog = async () => await (await platform.request('GET', `/tasks/${id}/logs`)).text()
  await expect.poll(readLog, { timeout: 30_000 }).toContain('armed')
  return id
}
const endsOf = async (id: string) =>
  (await platform.sql<{ type: string }[]>`select type from events where task_id = ${id} order by id`).map(
    ({ type }) => type,
  )

test.each([
  ['is silent', silent],
  ['ignores signals', stubborn],
])('a running task that %s is stopped when its user cancels it', { timeout: 60_000 }, async (_, code) => {
  const id = await startRunning(code)
  expect((await platform.request('POST', `/tasks/${id}/cancel`)).status).toBe(202)
  await platform.waitForStatus(id, 'cancelled')
  expect((await platform.request('POST', `/tasks/${id}/cancel`)).status).toBe(200)
  expect((await platform.request('GET', `/tasks/${id}/result`)).status).toBe(422)
})

describe('from another gateway than the one it was submitted to', () => {
  test('a running task is stopped', { timeout: 60_000 }, async () => {
    const id = await startRunning(silent)
    expect((await cancelElsewhere(id)).status).toBe(202)
    await platform.waitForStatus(id, 'cancelled')
    expect(await endsOf(id)).toEqual(['task.queued', 'task.running', 'task.cancelled'])
  })

  test.each([
    ['waits for a worker', { lane: 'long_running' }, 'no_workers'],
    ['waits for its time', { run_at: new Date(Date.now() + 3_600_000).toISOString() }, 'time'],
    ['waits for its key', { concurrency: { key: 'key', limit: 1 } }, 'concurrency_key'],
  ])('one that %s ends at once, and never starts', { timeout: 60_000 }, async (_, more, reason) => {
    const holder = reason === 'concurrency_key' ? await startRunning(silent, more) : undefined
    const id = await platform.submit(silent, 'wait', more)
    const read = async () =>
      (await (await platform.request('GET', `/tasks/${id}`)).json()) as { waits: { reason: string } }
    await expect.poll(async () => (await read()).waits.reason, { timeout: 10_000 }).toBe(reason)
    const response = await cancelElsewhere(id)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ status: 'cancelled' })
    expect(await endsOf(id)).toEqual(['task.queued', 'task.cancelled'])
    if (holder !== undefined) {
      await cancelElsewhere(holder)
      await platform.waitForStatus(holder, 'cancelled')
    }
  })
})
