import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'

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

/** What a worker has left on the host: all that it makes bears its process id, so other work here does not count. */
export const listLeftovers = (workerPid: number): string[] => {
  const ours = new RegExp(`(worker|sandbox|mecapy-\\w+)-${workerPid}-`)
  return [
    ...run('ps', ['-eo', 'pid=,cgroup=,args=']),
    ...readFileSync('/proc/self/mounts', 'utf8').split('\n'),
    ...run('find', ['/sys/fs/cgroup', '-type', 'd']),
    ...readdirSync(tmpdir()),
  ].filter((line) => ours.test(line))
}
