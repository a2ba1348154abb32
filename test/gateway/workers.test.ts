import { afterAll, beforeAll, expect, test } from 'vitest'
import { registerWorker } from '../../shared/workers/index.ts'
import { newWorker } from '../workers/new-worker.ts'
import { startTestGateway, type TestGateway } from './app.ts'

let gateway: TestGateway
let operator: string
const worker = newWorker({ slots: { high_priority: 3 } })
const lost = newWorker()
beforeAll(async () => {
  gateway = await startTestGateway()
  operator = await gateway.token('platform', 'olga', ['operator'])
  const { sql } = gateway.dependencies
  const sandboxes = { blank: 1, idle: 0, total: 2 }
  await registerWorker(sql, worker, { aliveSeconds: 60, draining: false, sandboxes })
  await registerWorker(sql, lost, { aliveSeconds: 0, draining: false, sandboxes })
})
afterAll(() => gateway.stop())

test('an operator sees the workers, and what their self-tests proved', async () => {
  const response = await gateway.fetch('GET', '/workers', { token: operator })
  expect(response.status).toBe(200)
  const { workers } = (await response.json()) as { workers: Record<string, unknown>[] }
  expect(workers).toHaveLength(2)
  expect(workers[0]).toMatchObject({
    id: worker.id,
    kind: 'consumer',
    state: 'alive',
    slots: { high_priority: 3 },
    engine: 'bubblewrap',
    level: 'container',
    sandboxes: { blank: 1, idle: 0, total: 2 },
    self_test: { passed: 2, failed: 0, checks: [{ name: 'network', held: true }, { name: 'raw_sockets' }] },
  })
  expect(workers[1]).toMatchObject({ id: lost.id, state: 'lost' })
})

test('metrics tell the release, the workers and their slots', async () => {
  const response = await gateway.fetch('GET', '/metrics', { token: operator })
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const text = await response.text()
  expect(text).toMatch(/^mecapy_build_info\{version="[\d.]+",node="v[\d.]+",component="gateway"\} 1$/m)
  expect(text).toMatch(/^mecapy_workers\{kind="consumer",.*level="container",state="alive".*\} 1$/m)
  expect(text).toMatch(/^mecapy_workers\{.*state="lost".*\} 1$/m)
  expect(text).toMatch(/^mecapy_worker_slots\{lane="high_priority".*\} 3$/m)
  expect(text).toMatch(/^mecapy_worker_slots\{lane="default".*\} 0$/m)
})

test.each(['/workers', '/metrics'])('%s is for operators alone', async (path) => {
  const admin = await gateway.token('acme', 'ada', ['user', 'admin'])
  const refused = await gateway.fetch('GET', path, { token: admin })
  expect(refused.status).toBe(403)
  expect(((await refused.json()) as { detail: string }).detail).toMatch(/^PermissionDenied: /)
  expect((await gateway.fetch('GET', path, { token: 'nonsense' })).status).toBe(401)
})
