import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Platform, startPlatform } from '../crash/platform.ts'
import { makeDataFolder } from '../environments/make-data-folder.ts'

let platform: Platform
let folder: string
beforeAll(async () => {
  folder = await makeDataFolder(await mkdtemp(join(tmpdir(), 'restricted-')))
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
  platform.start('gateway', { PACKAGE_INDEX_URL: 'pip', TENANT_POLICY: '{"restricted_python":true}' })
  platform.start('consumer', { PACKAGE_INDEX_URL: 'pip', ENVIRONMENTS_DIR: folder })
  const isAlive = () =>
    platform.request('GET', '/health').then(
      ({ ok }) => ok,
      () => false,
    )
  await vi.waitUntil(isAlive, 20_000)
})
afterAll(async () => {
  await platform.stop()
  await rm(folder, { recursive: true, force: true })
})

const TIMEOUT_MS = 120_000
const run = async (code: string, requirements: string[]) => {
  const body = JSON.stringify({ code, handler: 'main', requirements })
  const { id } = (await (await platform.request('POST', '/tasks', body)).json()) as { id: string }
  const read = async () =>
    (await (await platform.request('GET', `/tasks/${id}`)).json()) as { status: string }
  await expect.poll(async () => (await read()).status, { timeout: TIMEOUT_MS }).toMatch(/completed|failed/)
  return { task: await read(), result: await (await platform.request('GET', `/tasks/${id}/result`)).json() }
}

const REACHING = 'def main():\n    return ().__class__.__name__\n'

test('where a policy asks for it and the environment has it, RestrictedPython has its say before the code runs', {
  timeout: TIMEOUT_MS,
}, async () => {
  const refused = await run(REACHING, ['RestrictedPython>=7'])
  expect(refused.task).toMatchObject({ status: 'failed', failure_code: 'user_error' })
  expect(refused.result).toMatchObject({
    error: {
      type: 'RestrictedPython',
      findings: [{ file: 'main.py', line: 2, rule: 'restricted-python', fix: expect.any(String) }, {}],
    },
  })
  const passed = await run('def main():\n    return 6 * 7\n', ['RestrictedPython>=7'])
  expect(passed.result).toEqual({ result: 42 })
})

test('an environment without it runs the code as it is', { timeout: TIMEOUT_MS }, async () => {
  expect((await run(REACHING, [])).result).toEqual({ result: 'tuple' })
})
