import { dirname } from 'node:path'
import type { Cgroups } from './cgroups.ts'
import { Doormen } from './doormen.ts'
import type { Engine, Launch } from './engine.ts'
import { harnessArguments } from './harness.ts'

const NAMESPACES = [
  '--unshare-pid',
  '--unshare-net',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  '--die-with-parent',
  '--new-session',
  '--as-pid-1',
  '--clearenv',
]

export type BubblewrapOptions = { path: string; asRoot: boolean; cgroups: Cgroups }

/** Bubblewrap would make the folders above a mount for its own user only. */
const listParents = (path: string): string[] => {
  const parent = dirname(path)
  return parent === '/' ? [] : [...listParents(parent), parent]
}

const buildArguments = ({ environment }: Launch, asRoot: boolean): string[] => [
  ...NAMESPACES,
  // As root, bubblewrap opens what only root may open, and the harness leaves the host's root at once. A plain user
  // needs the user namespace to begin with, and a /proc in it: the harness may mount no more than it can see.
  ...(asRoot ? [] : ['--unshare-user', '--uid', '0', '--gid', '0', '--cap-add', 'ALL', '--proc', '/proc']),
  ...environment.mounts.flatMap(({ source, target }) => [
    ...listParents(target).flatMap((parent) => ['--dir', parent]),
    '--ro-bind',
    source,
    target,
  ]),
  ...['--dev', '/dev', '--dir', '/run', '--dir', '/proc', '--chdir', '/', '--'],
]

/** Bubblewrap: the quickest start, and what a plain user has too. */
export const createBubblewrap = ({ path, asRoot, cgroups }: BubblewrapOptions): Engine => {
  const doormen = new Doormen(cgroups, harnessArguments)
  return {
    name: 'bubblewrap',
    level: 'container',
    startsAs: asRoot ? 'host-root' : 'namespace-root',
    taskUid: asRoot ? 1000 : 0,
    ownProcesses: 8,
    ownMemoryMb: 0,
    launch: async (launch) =>
      doormen.become([path, ...buildArguments(launch, asRoot), launch.environment.python], launch.limits),
    close: async () => {
      await doormen.close()
      await cgroups.close()
    },
  }
}
