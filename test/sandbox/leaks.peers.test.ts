import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { goToolPath } from '../../setup/go-tools.mjs'
import type { SandboxConfig } from '../../shared/sandbox/config.ts'
import { openTestSandboxes, runTask } from './run-task.ts'

const RUNS = 1_000
const TENANTS = 5
const CONCURRENT = 4

/** One in ten ends oddly, each in its own way; the others leave a mess. */
const KINDS: readonly { source: string; limits?: object }[] = [
  { source: 'import os, time\ndef main():\n    if os.fork() == 0: time.sleep(60)\n    return 1' },
  {
    source:
      'def main():\n    open("/tmp/x", "w").write("x" * 100000)\n    open("/workspace/out/artifacts/y", "w").write("y")',
  },
  {
    source:
      'import socket\ndef main():\n    s = socket.create_server(("127.0.0.1", 0))\n    socket.create_connection(s.getsockname())',
  },
  { source: 'def main(): raise ValueError' },
  { source: 'import ctypes\ndef main(): ctypes.string_at(0)' },
  { source: 'def main(): return "x" * 100000' },
  { source: 'import numpy\ndef main(): return numpy.ones((50, 50)) @ numpy.ones((50, 50))' },
  { source: 'def main(): print("y" * 10000)' },
  { source: 'import time\ndef main(): time.sleep(60)', limits: { wallSeconds: 1, graceSeconds: 0 } },
  { source: 'def main(): return bytearray(300 << 20)', limits: { memoryMb: 128 } },
]

/** Other work on this machine is none of ours: everything that a worker makes bears its process id. */
const OURS = new RegExp(`(worker|sandbox|mecapy-\\w+)-${process.pid}-`)

const listProcesses = () => {
  const listing = execFileSync('ps', ['-eo', 'pid=,ppid=,cgroup=,args='], { encoding: 'utf8' }).split('\n')
  const children = listing.filter((line) => line.trim().split(/\s+/)[1] === String(process.pid))
  return [
    ...children.filter((line) => !line.includes('ps -eo')),
    ...listing.filter((line) => OURS.test(line)),
  ]
}
const listMounts = () =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => OURS.test(line))
const listCgroups = () =>
  execFileSync('find', ['/sys/fs/cgroup', '-type', 'd'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => OURS.test(line))
const listTemporary = () => readdirSync(tmpdir()).filter((name) => OURS.test(name))
const countDescriptors = () => readdirSync('/proc/self/fd').length

const look = () => [...listProcesses(), ...listMounts(), ...listCgroups(), ...listTemporary()]

it.each<[string, Partial<SandboxConfig>, number]>([
  ['bubblewrap', { engine: 'bubblewrap' }, RUNS],
  ['runc', { engine: 'runc' }, RUNS / 4],
  ['runsc', { engine: 'runsc', enginePath: goToolPath('runsc') }, RUNS / 10],
])(
  'leaves nothing behind after many runs in %s',
  async (_, config, runs) => {
    const before = countDescriptors()
    expect(look()).toEqual([])
    const sandboxes = await openTestSandboxes({ config })
    let next = 0
    const statuses = new Map<string, number>()
    const work = async () => {
      while (next < runs) {
        const number = next++
        // The odd ends cost a sandbox each: fewer of them.
        const kind = KINDS[number % 20 < 10 ? number % 8 : number % 10] ?? KINDS[0]
        if (kind === undefined) return
        const { outcome } = await runTask(sandboxes, kind.source, {
          tenantId: `tenant-${number % TENANTS}`,
          reuse: number % 50 === 0 ? 'never' : 'tenant',
          ...(kind.limits && { limits: kind.limits }),
        })
        const status = outcome.status === 'failed' ? outcome.failureCode : outcome.status
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: CONCURRENT }, work))
    expect(statuses.get('sandbox_error') ?? 0).toBe(0)
    expect(statuses.get('out_of_memory')).toBeGreaterThan(0)
    await sandboxes.close()
    expect(look()).toEqual([])
    expect(countDescriptors()).toBeLessThanOrEqual(before + 4)
  },
  600_000,
)
