import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { WarmConfig } from '../../shared/sandbox/config.ts'
import type { Sandboxes } from '../../shared/sandbox/index.ts'
import { openTestSandboxes, runTask } from './run-task.ts'

const QUIET: WarmConfig = {
  minBlank: 0,
  maxBlank: 0,
  maxIdle: 16,
  maxIdleMemoryMb: 2_048,
  idleSeconds: 60,
  maxRuns: 500,
}
const NOTHING = 'def main(): return hash("which sandbox is this?")'

let sandboxes: Sandboxes
afterEach(() => sandboxes.close())
const open = async (warm: Partial<WarmConfig>) => {
  sandboxes = await openTestSandboxes({ config: { engine: 'bubblewrap', warm: { ...QUIET, ...warm } } })
}
const which = async (tenantId = 'tenant-a') =>
  (await runTask(sandboxes, NOTHING, { tenantId })).result()['result'] as number
const blanks = (count: number) => vi.waitFor(() => expect(sandboxes.count().blank).toBe(count), 10_000)

describe('the warm pool', () => {
  it('keeps blank sandboxes ahead, and starts another when one was taken', async () => {
    await open({ minBlank: 2, maxBlank: 2 })
    await blanks(2)
    await which()
    await blanks(2)
    expect(sandboxes.count()).toMatchObject({ blank: 2, idle: 1, total: 3 })
  })

  it('keeps more when it was asked for more than it had, up to its limit', async () => {
    await open({ minBlank: 0, maxBlank: 2 })
    await Promise.all(['a', 'b', 'c', 'd'].map(which))
    await blanks(2)
  })

  it('serves a run when none is ready', async () => {
    await open({})
    expect(await which()).toBeTypeOf('number')
  })

  it('ends a sandbox after its number of runs', async () => {
    await open({ maxRuns: 2 })
    const first = await which()
    expect(await which()).toBe(first)
    expect(await which()).not.toBe(first)
  })

  it('ends a sandbox that has been idle for long enough', async () => {
    await open({ idleSeconds: 1 })
    await which()
    expect(sandboxes.count().idle).toBe(1)
    await vi.waitFor(() => expect(sandboxes.count()).toMatchObject({ blank: 0, idle: 0, total: 0 }), 5_000)
  })

  it('keeps no more idle ones than its limit, the latest', async () => {
    await open({ maxIdle: 2 })
    const [a, b, c] = [await which('a'), await which('b'), await which('c')]
    expect(sandboxes.count().idle).toBe(2)
    expect([await which('b'), await which('c')]).toEqual([b, c])
    expect(await which('a')).not.toBe(a)
  })

  it('keeps no more idle ones than its memory allows', async () => {
    await open({ maxIdleMemoryMb: 0 })
    await which()
    expect(sandboxes.count().idle).toBe(0)
  })

  it('runs a tenant’s tasks side by side, each in a sandbox of its own', async () => {
    await open({})
    const source = 'import time\ndef main():\n    time.sleep(0.2)\n    return hash("which sandbox is this?")'
    const ran = await Promise.all(Array.from({ length: 4 }, () => runTask(sandboxes, source)))
    expect(new Set(ran.map(({ result }) => result()['result'])).size).toBe(4)
    expect(sandboxes.count()).toMatchObject({ blank: 0, idle: 4, total: 4 })
  })

  it('passes over a sandbox that died while it waited', async () => {
    await open({})
    const first = await which()
    const own = (pid: string) =>
      readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    for (const pid of own(String(process.pid))) process.kill(Number(pid), 'SIGKILL')
    await vi.waitFor(async () => expect(await which()).not.toBe(first), 5_000)
  })
})
