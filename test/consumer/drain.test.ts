import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Launched } from '../crash/launch.ts'
import { type Platform, startPlatform } from '../crash/platform.ts'

let platform: Platform
const launched: Launched[] = []
beforeAll(async () => {
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
  platform.start('gateway')
  platform.start('janitor')
}, 60_000)
afterAll(() => platform.stop())
afterEach(async () => {
  await Promise.all(launched.splice(0).map((consumer) => consumer.stop()))
})

const TIMEOUT_MS = 90_000
const LONG_GRACE = { SHUTDOWN_GRACE_MS: '60000' }
/** Prints and reports every tenth of a second. */
const work = `import json, time
def work(steps):
    for step in range(1, steps + 1):
        print(f"step {step}", flush=True)
        with open("/workspace/out/progress.jsonl", "a") as file:
            file.write(json.dumps({"fraction": step / steps, "message": f"step {step}"}) + "\\n")
        time.sleep(0.1)
    return steps
`
const launch = (name: string, more: Record<string, string> = {}) => {
  const consumer = platform.launch('consumer', { WORKER_NAME: name, ...more })
  launched.push(consumer)
  return consumer
}
const submit = (steps: number, more: object = {}) =>
  platform.submit(work, 'work', { inputs: { steps }, estimated_seconds: 1, ...more })

type View = {
  status: string
  progress: { fraction: number; message: string; eta_seconds: number } | null
  attempts: { worker: string; outcome: string | null }[]
}
const read = async (id: string) => (await (await platform.request('GET', `/tasks/${id}`)).json()) as View
const readLog = async (id: string) => await (await platform.request('GET', `/tasks/${id}/logs`)).text()
const reaches = (id: string, step: number) =>
  expect.poll(() => readLog(id), { timeout: 40_000, interval: 20 }).toContain(`step ${step}\\n`)
const attemptsOf = async (id: string) =>
  (await read(id)).attempts.map(({ worker, outcome }) => `${worker} ${outcome}`)

test('a deploy in the middle of a long task: it ends where it runs, the new worker takes what comes, nothing starts twice', {
  timeout: TIMEOUT_MS,
}, async () => {
  const before = launch('before', LONG_GRACE)
  const long = await submit(60)
  await reaches(long, 3)
  before.signal('SIGTERM')
  await expect.poll(before.output, { timeout: 10_000 }).toContain('stopping')
  const meanwhile = await submit(1)

  // It drains: its task goes on, and who watches sees it, while it takes nothing new.
  const { progress } = await read(long)
  await reaches(long, 30)
  expect((await read(meanwhile)).status).toBe('queued')
  await expect
    .poll(async () => (await read(long)).progress?.fraction)
    .toBeGreaterThan(progress?.fraction ?? 1)
  expect((await read(long)).progress).toEqual({
    fraction: expect.any(Number),
    message: expect.stringMatching(/^step \d+$/),
    eta_seconds: expect.any(Number),
  })

  const after = launch('after')
  await platform.waitForStatus(meanwhile, 'completed')
  expect(await before.exited).toBe(0)
  expect(await attemptsOf(long)).toEqual(['before completed'])
  expect(await attemptsOf(meanwhile)).toEqual(['after completed'])
  expect(await platform.expectCompletedOnce(long)).toBe(1)
  expect(after.output()).not.toContain('"level":50')
})

test('a task that outlives the grace is given back, which is no failed attempt, and completes on another worker', {
  timeout: TIMEOUT_MS,
}, async () => {
  const before = launch('hasty', { SHUTDOWN_GRACE_MS: '300' })
  const id = await submit(40, { retry: { max_attempts: 1 } })
  await reaches(id, 3)
  before.signal('SIGTERM')
  expect(await before.exited).toBe(0)
  expect(await attemptsOf(id)).toEqual(['hasty returned'])
  launch('next')
  await platform.waitForStatus(id, 'completed')
  expect(await attemptsOf(id)).toEqual(['hasty returned', 'next completed'])
  expect(await platform.expectCompletedOnce(id)).toBe(2)
})

test('a worker that is told to stop while it claims runs what it has claimed', {
  timeout: TIMEOUT_MS,
}, async () => {
  const consumer = launch('claiming', LONG_GRACE)
  const ids = await Promise.all(Array.from({ length: 6 }, () => submit(5)))
  await expect
    .poll(async () => (await platform.sql`select from attempts where worker = 'claiming'`).length, {
      timeout: 40_000,
      interval: 5,
    })
    .toBeGreaterThan(0)
  consumer.signal('SIGTERM')
  expect(await consumer.exited).toBe(0)
  const open = await platform.sql`
    select from attempts where worker = 'claiming' and outcome is distinct from 'completed'`
  expect(open).toHaveLength(0)
  launch('rest')
  for (const id of ids) await platform.waitForStatus(id, 'completed')
  for (const id of ids) expect(await platform.expectCompletedOnce(id)).toBe(1)
})
