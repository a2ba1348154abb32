import { afterAll, beforeAll, expect, test } from 'vitest'
import { patchLane } from '../../shared/lanes/index.ts'
import { type Platform, startPlatform } from '../crash/platform.ts'

let platform: Platform
beforeAll(async () => {
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
  await patchLane(platform.sql, 'high_priority', { overrun_seconds: 1 })
  platform.start('gateway')
  platform.start('janitor')
  platform.start('consumer', { HIGH_PRIORITY_CONCURRENCY: '1' })
}, 60_000)
afterAll(() => platform.stop())

const patient = `import time
def work():
    print("started", flush=True)
    time.sleep(3)
    return "done"
`
const quick = 'def work():\n    return "quick"\n'
const submit = (code: string, more: object = {}) =>
  platform.submit(code, 'work', { estimated_seconds: 1, ...more })
const eventsOf = async (id: string) =>
  await platform.sql<{ type: string; data: string }[]>`
    select type, data from events where task_id = ${id} order by id`
const attemptsOf = async (id: string) =>
  (
    await platform.sql<{ outcome: string }[]>`
      select outcome from attempts where task_id = ${id} order by number`
  ).map(({ outcome }) => outcome)

test('a task that outlives its lane is stopped and completes in the next, and no attempt counts as failed', {
  timeout: 60_000,
}, async () => {
  const id = await submit(patient, { retry: { max_attempts: 1 } })
  await platform.waitForStatus(id, 'completed')
  expect(await attemptsOf(id)).toEqual(['returned', 'completed'])
  const moved = (await eventsOf(id)).filter(({ type }) => type === 'task.queued')[1]
  expect(JSON.parse(moved?.data ?? '')).toMatchObject({ lane: 'default', reason: 'overrun' })
})

test('one that must not be repeated finishes where it runs, and gives its place to others', {
  timeout: 60_000,
}, async () => {
  const id = await submit(patient, { repeatable: false })
  // The only slot of the lane: this one can start only once the other has given it free.
  const other = await submit(quick)
  await platform.waitForStatus(other, 'completed')
  await platform.waitForStatus(id, 'completed')
  expect(await attemptsOf(id)).toEqual(['completed'])
  const types = (await eventsOf(id)).map(({ type }) => type)
  expect(types).toEqual(['task.queued', 'task.running', 'task.moved', 'task.completed'])
})
