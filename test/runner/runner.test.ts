import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { findFreePort } from '../../shared/http/serve.ts'
import { type Platform, startPlatform } from '../crash/platform.ts'
import { addWorker } from '../tasks/admit.ts'

const TOKEN = 'a-token-that-only-the-dispatcher-knows'
const code = 'def answer():\n    return 42\n'

let platform: Platform
let url: string
beforeAll(async () => {
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
  const port = await findFreePort()
  url = `http://127.0.0.1:${port}`
  platform.start('gateway')
  platform.start('runner', { PORT: String(port), RUNNER_TOKEN: TOKEN })
  // The runner's slots, for whoever dispatches.
  await addWorker(platform.sql, { default: 10 })
  const isReady = () =>
    fetch(`${url}/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  await vi.waitUntil(isReady, { timeout: 30_000 })
}, 60_000)
afterAll(() => platform.stop())

const submitAdmitted = async () => {
  const id = await platform.submit(code, 'answer')
  const stage = async () =>
    (await platform.sql<{ stage: string }[]>`select stage from turns where task_id = ${id}`)[0]?.stage
  await vi.waitUntil(async () => (await stage()) === 'admitted', { timeout: 10_000 })
  return id
}

const run = (id: string, token = TOKEN) =>
  fetch(`${url}/run/${id}`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })

test('a task is run by a request, to its end', async () => {
  const id = await submitAdmitted()
  expect((await run(id)).status).toBe(200)
  expect(await platform.expectCompletedOnce(id)).toBe(1)
})

test('of two requests for one task one runs it, and the other is told not to come again', async () => {
  const id = await submitAdmitted()
  const answers = await Promise.all([run(id), run(id)])
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
  expect(await platform.expectCompletedOnce(id)).toBe(1)
})

test('who does not know the token runs nothing', async () => {
  const id = await submitAdmitted()
  expect((await run(id, 'another-token')).status).toBe(401)
  expect((await run('../health')).status).toBe(404)
})
