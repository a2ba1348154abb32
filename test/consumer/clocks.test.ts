import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Platform, startPlatform } from '../crash/platform.ts'

let platform: Platform
beforeAll(async () => {
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
}, 60_000)
afterAll(() => platform.stop())

const skewed = (seconds: number) => ({
  NODE_OPTIONS: `--import=${new URL('../crash/skewed-clock.mjs', import.meta.url).href}`,
  CLOCK_SKEW_SECONDS: String(seconds),
})
const DAY_SECONDS = 86_400
/** Longer than a lease, so that only a heartbeat keeps it. */
const patient = 'import time\ndef work():\n    time.sleep(3)\n    return 1\n'
const quick = 'def work(): return 1'

test('whatever the clocks of the hosts show, the database’s decides: no attempt is lost, no time is off', {
  timeout: 120_000,
}, async () => {
  const now = async () => (await platform.sql<[{ now: Date }]>`select now()`)[0].now
  const began = await now()
  platform.launch('gateway', skewed(-40))
  platform.launch('janitor', skewed(3_600))
  const tomorrow = platform.launch('consumer', { ...skewed(DAY_SECONDS), WORKER_NAME: 'tomorrow' })
  platform.launch('consumer', { ...skewed(-DAY_SECONDS), WORKER_NAME: 'yesterday' })
  const registered = async () => (await platform.sql`select from workers where alive_until > now()`).length
  await expect.poll(registered, { timeout: 40_000 }).toBe(2)
  const line = JSON.parse(tomorrow.output().split('\n')[0] ?? '') as { time: string }
  expect(Date.parse(line.time)).toBeGreaterThan(began.getTime() + (DAY_SECONDS - 60) * 1_000)

  const ids = []
  for (let index = 0; index < 4; index += 1) {
    ids.push(await platform.submit(patient, 'work', { estimated_seconds: 1 }))
    ids.push(await platform.submit(quick, 'work', { estimated_seconds: 1 }))
  }
  const later = await platform.submit(quick, 'work', { run_at: new Date(Date.now() + 3_000).toISOString() })
  for (const id of [...ids, later]) await platform.waitForStatus(id, 'completed')

  for (const id of [...ids, later]) expect(await platform.expectCompletedOnce(id)).toBe(1)
  const workers = await platform.sql<
    { worker: string }[]
  >`select distinct worker from attempts order by worker`
  expect(workers.map(({ worker }) => worker)).toEqual(['tomorrow', 'yesterday'])

  const [times] = await platform.sql<[{ first: Date; last: Date; early: number; disordered: number }]>`
    select
      least(min(created_at), min(started_at), (select min(created_at) from events), (select min(started_at) from attempts)) as first,
      greatest(max(completed_at), (select max(created_at) from events), (select max(ended_at) from attempts)) as last,
      (count(*) filter (where started_at < run_at))::int as early,
      (count(*) filter (where not (created_at <= started_at and started_at <= completed_at)))::int as disordered
    from tasks`
  expect(times).toMatchObject({ early: 0, disordered: 0 })
  expect(times.first.getTime()).toBeGreaterThanOrEqual(began.getTime())
  expect(times.last.getTime()).toBeLessThanOrEqual((await now()).getTime())
})
