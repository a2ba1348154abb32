import { afterEach, expect, it, vi } from 'vitest'
import type { Sandboxes } from '../../shared/sandbox/index.ts'
import { environment, openTestSandboxes, runTask } from './run-task.ts'

const TIDY_INTERVAL_MS = 30_000

let sandboxes: Sandboxes
afterEach(async () => {
  vi.useRealTimers()
  await sandboxes.close()
})

it('keeps no blank sandbox of an environment that nobody vouched for once nobody runs in it', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] })
  sandboxes = await openTestSandboxes({
    config: {
      engine: 'bubblewrap',
      warm: { minBlank: 1, maxBlank: 1, maxIdle: 16, maxIdleMemoryMb: 2_048, idleSeconds: 60, maxRuns: 500 },
    },
  })
  const passing = { ...environment, id: `${environment.id} of a task` }
  await runTask(sandboxes, 'def main(): return 1', { environment: passing })
  await vi.waitFor(() => expect(sandboxes.count().blank).toBe(2), 10_000)
  vi.advanceTimersByTime(2 * TIDY_INTERVAL_MS)
  expect(sandboxes.count().blank).toBe(1)
  vi.advanceTimersByTime(10 * TIDY_INTERVAL_MS)
  expect(sandboxes.count().blank).toBe(1)
})
