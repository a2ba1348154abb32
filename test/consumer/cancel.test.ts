import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Platform, startPlatform } from '../crash/platform.ts'

let platform: Platform
beforeAll(async () => {
  platform = await startPlatform(async (databaseUrl) => databaseUrl)
  platform.start('gateway')
  platform.start('consumer')
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

test.each([
  ['is silent', silent],
  ['ignores signals', stubborn],
])('a running task that %s is stopped when its user cancels it', { timeout: 60_000 }, async (_, code) => {
  const id = await platform.submit(code, 'wait')
  const readLog = async () => await (await platform.request('GET', `/tasks/${id}/logs`)).text()
  await expect.poll(readLog, { timeout: 30_000 }).toContain('armed')
  expect((await platform.request('POST', `/tasks/${id}/cancel`)).status).toBe(202)
  await platform.waitForStatus(id, 'cancelled')
  expect((await platform.request('POST', `/tasks/${id}/cancel`)).status).toBe(200)
  expect((await platform.request('GET', `/tasks/${id}/result`)).status).toBe(422)
})
