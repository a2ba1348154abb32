import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Platform, startPlatform } from '../crash/platform.ts'
import { makeDataFolder } from '../environments/make-data-folder.ts'
import { servePackages, type TestIndex } from '../environments/serve-packages.ts'

/** Each starts pip a few times, on a host that may be busy. */
vi.setConfig({ testTimeout: 90_000 })

let packages: TestIndex
let platform: Platform
let folder: string
let consumerEnv: Record<string, string>
beforeAll(async () => {
  packages = await servePackages()
  packages.add({ name: 'alpha', version: '1.0', requires: ['beta>=1'] })
  packages.add({ name: 'beta', version: '1.0' })
  folder = await makeDataFolder(await mkdtemp(join(tmpdir(), 'environments-')))
  consumerEnv = { PACKAGE_INDEX_URL: packages.index.url, ENVIRONMENTS_DIR: folder }
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
  platform.start('gateway', { PACKAGE_INDEX_URL: 'pip' })
  platform.start('consumer', consumerEnv)
}, 120_000)
afterAll(async () => {
  await platform.stop()
  await packages.close()
  await rm(folder, { recursive: true, force: true })
})

type Task = { status: string; failure_code: string | null; error_message: string | null; attempt: number }

const submit = async (
  requirements: string[],
  code = 'import alpha\ndef which():\n    return alpha.__version__\n',
) => {
  await vi.waitUntil(
    () =>
      platform.request('GET', '/health').then(
        ({ ok }) => ok,
        () => false,
      ),
    20_000,
  )
  const body = JSON.stringify({ code, handler: 'which', requirements })
  const response = await platform.request('POST', '/tasks', body)
  expect(response.status).toBe(202)
  return ((await response.json()) as { id: string }).id
}
const read = async (id: string) => (await (await platform.request('GET', `/tasks/${id}`)).json()) as Task
const result = async (id: string) => await (await platform.request('GET', `/tasks/${id}/result`)).text()

test('tasks run in the environment of their requirements, which is built once for all of them', async () => {
  const ids = await Promise.all(Array.from({ length: 3 }, () => submit(['alpha'])))
  for (const id of ids) await platform.waitForStatus(id, 'completed')
  expect(await Promise.all(ids.map(result))).toEqual(Array(3).fill('{"result": "1.0"}'))
  expect(packages.requests.filter((url) => /alpha-1\.0.*\.whl$/.test(url))).toHaveLength(2)
})

test('requirements that cannot be installed fail their own task, with the reason that pip gives', async () => {
  const [broken, neighbour] = await Promise.all([
    submit(['nosuchpackage']),
    submit(['beta'], 'def which(): return 1'),
  ])
  await platform.waitForStatus(neighbour, 'completed')
  await platform.waitForStatus(broken, 'failed')
  const task = await read(broken)
  expect(task).toMatchObject({ failure_code: 'environment_error', attempt: 1 })
  expect(task.error_message).toMatch(/cannot be installed from wheels: .*nosuchpackage/)
  expect(task.error_message).not.toContain(folder)
})

/** Builds of this test's folder, among the processes of the host. */
const listBuilds = () =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return command.includes('install-packages.py') && command.includes(folder)
    } catch {
      return false
    }
  })

test('cancelling a task whose environment is being built ends the build', async () => {
  packages.hang()
  const id = await submit(['gamma'])
  await expect.poll(listBuilds, { timeout: 30_000 }).not.toEqual([])
  expect((await platform.request('POST', `/tasks/${id}/cancel`)).status).toBe(202)
  await platform.waitForStatus(id, 'cancelled')
  expect(listBuilds()).toEqual([])
})
