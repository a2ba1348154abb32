import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import type { EngineUnderTest } from './engine-under-test.ts'
import { openTestSandboxes, runTask, type Task } from './run-task.ts'
import { countDescriptors, listChildren, listTraces } from './traces.ts'

const TENANTS = 5
const CONCURRENT = 6
const BAD_EVERY = 12
const NONE_AHEAD = { minBlank: 0, maxBlank: 0 }
const WORKER = fileURLToPath(new URL('./killed-worker.ts', import.meta.url))

type Kind = { source: string; ends: string; cancel?: true } & Pick<Task, 'limits'>

/** Runs that end well and leave a mess … */
const MESSY: readonly Kind[] = [
  { ends: 'completed', source: 'import os, time\ndef main():\n    if os.fork() == 0: time.sleep(60)' },
  {
    ends: 'completed',
    source:
      'def main():\n    open("/tmp/x", "w").write("x" * 100000)\n    open("/workspace/out/artifacts/y", "w").write("y")',
  },
  {
    ends: 'completed',
    source:
      'import socket\ndef main():\n    s = socket.create_server(("127.0.0.1", 0))\n    socket.create_connection(s.getsockname())',
  },
  {
    ends: 'completed',
    source: 'import numpy\ndef main(): return numpy.ones((50, 50)) @ numpy.ones((50, 50))',
  },
  { ends: 'completed', source: 'def main(): print("y" * 10000)' },
  { ends: 'user_error', source: 'def main(): raise ValueError' },
]
/** … and such as end badly, which cost a sandbox each. */
const BAD: readonly Kind[] = [
  { ends: 'user_error', source: 'import ctypes\ndef main(): ctypes.string_at(0)' },
  { ends: 'out_of_memory', source: 'def main(): return bytearray(300 << 20)', limits: { memoryMb: 128 } },
  { ends: 'timeout', source: 'import time\ndef main(): time.sleep(60)', limits: { wallSeconds: 1 } },
  {
    ends: 'timeout',
    source:
      'import os\ndef main():\n    while True:\n        try:\n            os.fork()\n        except OSError:\n            pass',
    limits: { wallSeconds: 1, graceSeconds: 0, pids: 32 },
  },
  {
    ends: 'cancelled',
    source: 'import time\ndef main():\n    print("x", flush=True)\n    time.sleep(60)',
    cancel: true,
  },
]

const pick = (number: number): Kind => {
  const bad = number % BAD_EVERY === 0
  const kind = bad ? BAD[(number / BAD_EVERY) % BAD.length] : MESSY[number % MESSY.length]
  if (kind === undefined) throw new Error('no such kind of run')
  return kind
}

/** Neither many runs nor a worker's sudden death leave anything on the host. */
export const describeLeftovers = (
  engine: EngineUnderTest,
  runs: number,
  // What an engine has elsewhere than on this host's own books.
  listElsewhere: () => Promise<string[]> = async () => [],
) => {
  const listAll = async (worker: number) => [...listTraces(worker), ...(await listElsewhere())]
  const configure = () => ({ engine: engine.engine, ...engine.configure?.() })

  it(`leaves nothing behind after ${runs} runs`, async () => {
    const before = { children: listChildren(process.pid), descriptors: countDescriptors() }
    expect(await listAll(process.pid)).toEqual([])
    const sandboxes = await openTestSandboxes({ config: configure() })
    const work = async (numbers: Iterator<number, unknown>) => {
      for (let next = numbers.next(); !next.done; next = numbers.next()) {
        const { source, ends, limits = {}, cancel } = pick(next.value)
        const controller = new AbortController()
        const { outcome } = await runTask(sandboxes, source, {
          tenantId: `tenant-${next.value % TENANTS}`,
          reuse: next.value % 50 === 0 ? 'never' : 'tenant',
          limits,
          signal: controller.signal,
          onLog: () => cancel && controller.abort(),
        })
        expect(outcome.status === 'failed' ? outcome.failureCode : outcome.status, source).toBe(ends)
      }
    }
    const numbers = Array(runs).keys()
    try {
      await Promise.all(Array.from({ length: CONCURRENT }, () => work(numbers)))
    } finally {
      await sandboxes.close()
    }
    expect(await listAll(process.pid)).toEqual([])
    expect(listChildren(process.pid)).toEqual(before.children)
    await vi.waitFor(() => expect(countDescriptors()).toBeLessThanOrEqual(before.descriptors))
  }, 120_000)

  it('removes at its start what a killed worker left', async () => {
    const worker = spawn(process.execPath, [WORKER, JSON.stringify({ ...configure(), warm: NONE_AHEAD })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = worker.pid ?? Number.NaN
    await once(worker.stdout, 'data')
    expect(await listAll(pid)).not.toEqual([])
    worker.kill('SIGKILL')
    await once(worker, 'exit')
    const next = await openTestSandboxes({ config: configure() })
    await next.close()
    await vi.waitFor(async () => expect(await listAll(pid)).toEqual([]), 10_000)
    expect(await listAll(process.pid)).toEqual([])
  }, 60_000)
}
