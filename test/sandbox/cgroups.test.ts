import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCgroups } from '../../shared/sandbox/cgroups.ts'

/**
 * The kernel's files as plain ones: they show where and what is written. That the kernel then obeys is what the engines'
 * suites prove, on whichever version the host has.
 */
let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mecapy-cgroup-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const plant = async (folder: string, files: Record<string, string>) => {
  await mkdir(join(root, folder), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, folder, name), text)
}
const read = (path: string) => readFile(join(root, path), 'utf8')
const mounts = () => `cgroup2 ${root} cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\n`

describe('cgroup version 2', () => {
  it('makes groups below its own, steps aside into a leaf, and asks for the three controllers', async () => {
    await plant('.', { 'cgroup.type': 'domain', 'cgroup.procs': '' })
    await plant('user.slice/run-1.scope', {
      'cgroup.controllers': 'cpuset cpu io memory pids',
      'cgroup.procs': '41\n',
      'cgroup.subtree_control': '',
    })
    const cgroups = await openCgroups({ mounts: mounts(), self: '0::/user.slice/run-1.scope\n' })
    expect(cgroups.version).toBe(2)
    expect(await read('user.slice/run-1.scope/mecapy-host/cgroup.procs')).toBe('41')
    expect(await read('user.slice/run-1.scope/cgroup.subtree_control')).toBe('+memory +pids +cpu')
    const cgroup = cgroups.create('sandbox-1')
    expect(cgroup.path).toMatch(/^\/user\.slice\/run-1\.scope\/mecapy\/worker-\d+-\d+-\d+-\d+\/sandbox-1$/)
    cgroup.limit({ cpu: 1.5, memoryMb: 64, pids: 7 })
    expect(await read(`${cgroup.path}/memory.max`)).toBe(String(64 * 1024 * 1024))
    expect(await read(`${cgroup.path}/memory.swap.max`)).toBe('0')
    expect(await read(`${cgroup.path}/pids.max`)).toBe('7')
    expect(await read(`${cgroup.path}/cpu.max`)).toBe('150000 100000')
  })

  it('stays in the root of the host, which may have processes and groups', async () => {
    await plant('.', { 'cgroup.controllers': 'cpu memory pids', 'cgroup.procs': '1\n' })
    const cgroups = await openCgroups({ mounts: mounts(), self: '0::/system.slice/worker.service\n' })
    const cgroup = cgroups.create('a')
    expect(cgroup.path).toMatch(/^\/mecapy\/worker-/)
    expect(await read('cgroup.procs')).toBe('1\n')
  })

  it('reads what a sandbox used, as an amount and since the run began', async () => {
    await plant('.', { 'cgroup.controllers': 'cpu memory pids', 'cgroup.procs': '' })
    const cgroup = (await openCgroups({ mounts: mounts(), self: '0::/\n' })).create('a')
    const counters = {
      'cpu.stat': 'usage_usec 2500000\nuser_usec 2000000\n',
      'memory.current': String(10 * 1024 * 1024),
      'memory.events': 'low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\n',
      'pids.events': 'max 3\n',
    }
    await plant(cgroup.path, counters)
    expect(cgroup.begin()).toEqual({ cpuSeconds: 2.5, memoryMb: 10 })
    expect(cgroup.read()).toEqual({
      cpuSeconds: 2.5,
      memoryMb: 10,
      memoryPeakMb: 10,
      oomKills: 1,
      pidsRefused: 3,
    })
  })
})

describe('a host that delegates nothing', () => {
  it.each([
    ['no cgroups at all', ''],
    ['a hierarchy without memory', undefined],
  ])('is refused: %s', async (_, text) => {
    await plant('.', { 'cgroup.type': 'domain', 'cgroup.controllers': 'cpu pids', 'cgroup.procs': '' })
    await expect(openCgroups({ mounts: text ?? mounts(), self: '0::/\n' })).rejects.toThrow(
      'systemd-run --user --scope',
    )
  })

  it.skipIf(process.getuid?.() === 0)('is refused: a group that is somebody else’s', async () => {
    await plant('.', { 'cgroup.type': 'domain', 'cgroup.controllers': 'cpu memory pids', 'cgroup.procs': '' })
    await chmod(root, 0o555)
    await expect(openCgroups({ mounts: mounts(), self: '0::/\n' })).rejects.toThrow('Delegate=yes')
  })
})
