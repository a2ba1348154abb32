import { afterEach, expect, test } from 'vitest'
import { type Platform, startPlatform } from './platform.ts'
import { startValve, type Valve } from './valve.ts'

let platform: Platform
let valve: Valve | undefined
afterEach(async () => {
  await platform.stop()
  await valve?.stop()
  valve = undefined
})

const TIMEOUT_MS = 90_000
const quick = 'def answer():\n    return 42\n'
const slow = 'import time\ndef answer():\n    time.sleep(1.5)\n    return 42\n'

test('a gateway killed between the commit and the queue loses no task', { timeout: TIMEOUT_MS }, async () => {
  platform = await startPlatform(async (databaseUrl) => {
    valve = await startValve(databaseUrl)
    return valve.url
  })
  const gateway = platform.start('gateway')
  await platform.submit(quick, 'answer')

  valve?.close()
  const submission = platform.request(
    'POST',
    '/tasks',
    JSON.stringify({ code: quick, handler: 'answer', name: 'cut off' }),
  )
  submission.catch(() => {}) // the answer may be lost with the gateway; the task may not
  const find = async () =>
    (await platform.sql<{ id: string }[]>`select id from tasks where name = 'cut off'`)[0]?.id
  await expect.poll(find, { timeout: 10_000 }).toBeTruthy()
  platform.kill(gateway)
  valve?.open()

  platform.start('janitor')
  platform.start('consumer')
  const id = (await find()) ?? ''
  await platform.waitForStatus(id, 'completed')
  expect(await platform.expectCompletedOnce(id)).toBe(1)
})

test('a worker killed in mid-task loses no task and completes none twice', {
  timeout: TIMEOUT_MS,
}, async () => {
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
  platform.start('gateway')
  platform.start('janitor')
  const consumer = platform.start('consumer')
  const id = await platform.submit(slow, 'answer')
  await platform.waitForStatus(id, 'running')
  platform.kill(consumer)
  await platform.waitForStatus(id, 'completed')
  expect(await platform.expectCompletedOnce(id)).toBe(2)
})

test('a database that is away for longer than a lease costs no worker its tasks', {
  timeout: TIMEOUT_MS,
}, async () => {
  platform = await startPlatform(async (databaseUrl) => {
    valve = await startValve(databaseUrl)
    return databaseUrl
  })
  const away = { DATABASE_URL: valve?.url ?? '' }
  platform.start('gateway')
  platform.start('janitor', away)
  platform.start('consumer', away)
  const id = await platform.submit('import time\ndef answer():\n    time.sleep(8)\n    return 42\n', 'answer')
  await platform.waitForStatus(id, 'running')
  const renewed = async () => {
    const [task] = await platform.sql`select from tasks where id = ${id} and lease_expires_at > now()`
    return task !== undefined
  }
  valve?.close()
  await expect.poll(renewed, { timeout: 10_000, interval: 20 }).toBe(false)
  valve?.open()
  await expect.poll(renewed, { timeout: 10_000, interval: 20 }).toBe(true)
  await platform.waitForStatus(id, 'completed')
  expect(await platform.expectCompletedOnce(id)).toBe(1)
})
