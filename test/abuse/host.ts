import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

/** A killed worker's processes stay as names until the host's first process has buried them. */
const BURIAL_TIMEOUT_MS = 10_000
const KERNEL_SETTINGS = [
  'kernel/core_pattern',

  'kernel/hostname',
  'vm/overcommit_memory',
  'vm/panic_on_oom',
]

/** What an attack on the kernel would have changed. */
export const readHostState = () => ({
  settings: KERNEL_SETTINGS.map((name) => readFileSync(`/proc/sys/${name}`, 'utf8')),
  yearOfClock: new Date().getFullYear(),
  owned: readdirSync('/tmp').filter((name) => name === 'owned'),
})

const run = (command: string, args: string[]): string[] =>
  execFileSync(command, args, { encoding: 'utf8' }).split('\n')

/** All that a worker makes bears its process id, so other work on this machine does not count. */
const listLeftovers = (workerPid: number): string[] => {
  const ours = new RegExp(`(worker|sandbox|mecapy-\\w+)-${workerPid}-`)
  return [
    ...run('ps', ['-eo', 'pid=,cgroup=,args=']),
    ...readFileSync('/proc/self/mounts', 'utf8').split('\n'),
    ...run('find', ['/sys/fs/cgroup', '-type', 'd']),
    ...readdirSync(tmpdir()),
  ].filter((line) => ours.test(line))
}

/** What a worker that has ended leaves on the host: processes, mounts, cgroups, temporary folders. */
export const waitForNoLeftovers = async (workerPid: number): Promise<string[]> => {
  const deadline = Date.now() + BURIAL_TIMEOUT_MS
  let leftovers = listLeftovers(workerPid)
  while (leftovers.length > 0 && Date.now() < deadline) {
    await delay(100)
    leftovers = listLeftovers(workerPid)
  }
  return leftovers
}
