import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Platform, startPlatform } from '../crash/platform.ts'

let platform: Platform
beforeAll(async () => {
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
  platform.start('gateway')
  platform.start('janitor')
}, 60_000)
afterAll(() => platform.stop())

/** Its attempts differ by when they began; what an attempt writes shows whose it is. */
const work = `import json, time
def work():
    began = time.time()
    for step in range(1, 41):
        print(f"{began} step {step}", flush=True)
        with open("/workspace/out/progress.jsonl", "a") as file:
            file.write(json.dumps({"fraction": step / 40, "message": str(began)}) + "\\n")
        time.sleep(0.1)
    with open("/workspace/out/artifacts/began.txt", "w") as file:
        file.write(str(began))
    return began
`
const PATIENT = { timeout: 40_000, interval: 20 }

const readAll = async (id: string) => ({
  attempts: await platform.sql<
    { number: number; worker: string; outcome: string; failureCode: string | null }[]
  >`
    select number, worker, outcome, failure_code as "failureCode" from attempts where task_id = ${id} order by number`,
  chunks: await platform.sql<{ attempt: number; chunk: string }[]>`
    select attempt, chunk from log_chunks where task_id = ${id} order by attempt, index`,
  events: await platform.sql<{ type: string; data: string }[]>`
    select type, data from events where task_id = ${id} order by id`,
  artifacts: await platform.sql<{ attempt: number; name: string }[]>`
    select attempt, name from artifacts where task_id = ${id}`,
})
const chunksOf = async (id: string, attempt: number) =>
  (await readAll(id)).chunks.filter((chunk) => chunk.attempt === attempt).map(({ chunk }) => chunk)

test('a worker that was frozen beyond its lease and thawed writes nothing; the task completes once, on another', {
  timeout: 120_000,
}, async () => {
  const frozen = platform.launch('consumer', { WORKER_NAME: 'frozen' })
  const id = await platform.submit(work, 'work', { estimated_seconds: 1 })
  await expect.poll(async () => (await chunksOf(id, 1)).join(''), PATIENT).toContain('step 3\n')
  frozen.signal('SIGSTOP')
  const before = await readAll(id)

  const heir = platform.launch('consumer', { WORKER_NAME: 'heir' })
  await expect.poll(async () => (await chunksOf(id, 2)).join(''), PATIENT).toContain('step 3\n')
  // The frozen worker's run went on all the while: it has everything to write that a worker can write.
  frozen.signal('SIGCONT')
  await expect.poll(frozen.output, PATIENT).toContain('the lease was lost; the outcome is dropped')
  await platform.waitForStatus(id, 'completed')

  expect(await platform.expectCompletedOnce(id)).toBe(2)
  const { attempts, chunks, events, artifacts } = await readAll(id)
  expect(attempts).toEqual([
    { number: 1, worker: 'frozen', outcome: 'failed', failureCode: 'worker_lost' },
    { number: 2, worker: 'heir', outcome: 'completed', failureCode: null },
  ])
  expect(chunks.filter(({ attempt }) => attempt === 1)).toEqual(before.chunks)
  expect(artifacts).toEqual([{ attempt: 2, name: 'began.txt' }])

  const { result: began } = JSON.parse(
    await (await platform.request('GET', `/tasks/${id}/result`)).text(),
  ) as { result: number }
  const log = chunks.filter(({ attempt }) => attempt === 2).map(({ chunk }) => chunk)
  for (const line of log.join('').trim().split('\n')) expect(line).toMatch(new RegExp(`^${began} step `))

  const types = events.map(({ type }) => type).filter((type) => type !== 'task.progress')
  expect(types).toEqual(['task.queued', 'task.running', 'task.queued', 'task.running', 'task.completed'])
  const since = events.findLastIndex(({ type }) => type === 'task.running')
  const fromNowOn = events.slice(since).filter(({ type }) => type === 'task.progress')
  expect(fromNowOn.length).toBeGreaterThan(0)
  for (const { data } of fromNowOn) expect(JSON.parse(data)).toMatchObject({ message: String(began) })

  // It is as good as before: alone, it runs the next task.
  heir.signal('SIGTERM')
  await heir.exited
  const next = await platform.submit('def work(): return 1', 'work')
  await platform.waitForStatus(next, 'completed')
  const [attempt] = await platform.sql`select worker from attempts where task_id = ${next}`
  expect(attempt).toEqual({ worker: 'frozen' })
})
