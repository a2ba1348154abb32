import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFreePort } from '../../shared/http/serve.ts'
import { listWorkers } from '../../shared/workers/index.ts'
import { type Platform, startPlatform } from '../crash/platform.ts'

let platform: Platform
beforeAll(async () => {
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
}, 60_000)
afterAll(() => platform.stop())

const list = async () => (await listWorkers(platform.sql)).map(({ name, state }) => `${name} ${state}`)

test('a consumer is registered while it lives, tells a scraper its level, and leaves when it is stopped', {
  timeout: 60_000,
}, async () => {
  const port = await findFreePort()
  const consumer = platform.start('consumer', {
    WORKER_NAME: 'stopped',
    DEFAULT_CONCURRENCY: '3',
    METRICS_PORT: `${port}`,
    METRICS_HOST: '127.0.0.1',
  })
  await expect.poll(list, { timeout: 30_000 }).toEqual(['stopped alive'])
  const [worker] = await listWorkers(platform.sql)
  expect(worker?.slots).toEqual({ high_priority: 2, default: 3, long_running: 1 })
  expect(worker?.selfTest.checks.length).toBeGreaterThanOrEqual(20)

  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  expect(text).toMatch(
    /^mecapy_sandbox_info\{engine=".+",level="(container|kernel)",component="consumer"\} 1$/m,
  )
  expect(text.match(/^mecapy_sandbox_self_test_held\{check=".+".*\} 1$/gm)).toHaveLength(
    worker?.selfTest.checks.length ?? Number.NaN,
  )
  expect(text).toMatch(/^mecapy_sandboxes\{state="blank".*\} \d+$/m)
  expect(text).toMatch(/^mecapy_build_info\{/m)

  await consumer.stop()
  expect(await list()).toEqual([])
})

test('a consumer that was killed is lost, and the janitor forgets it', { timeout: 60_000 }, async () => {
  const consumer = platform.start('consumer', { WORKER_NAME: 'killed', WORKER_ALIVE_SECONDS: '1' })
  await expect.poll(list, { timeout: 30_000 }).toEqual(['killed alive'])
  const [killed] = await listWorkers(platform.sql)
  platform.kill(consumer)
  await consumer.stop()
  await expect.poll(list, { timeout: 10_000 }).toEqual(['killed lost'])
  platform.start('janitor', { FORGET_WORKERS_AFTER_SECONDS: '1' })
  await expect
    .poll(async () => (await listWorkers(platform.sql)).map(({ id }) => id), { timeout: 10_000 })
    .not.toContain(killed?.id)
})
