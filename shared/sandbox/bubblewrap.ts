import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import type { Engine, Launch } from './engine.ts'

/** `sh` moves itself into the cgroup before anything else happens, so no process is ever outside. */
const ENTER_CGROUP = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"'

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

export type BubblewrapOptions = { path: string; asRoot: boolean }

/** Bubblewrap would make the folders above a mount for its own user only. */
const listParents = (path: string): string[] => {
  const parent = dirname(path)
  return parent === '/' ? [] : [...listParents(parent), parent]
}

const buildArguments = ({ environment, command }: Launch, asRoot: boolean): string[] => [
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
  ...['--dev', '/dev', '--dir', '/run', '--dir', '/proc', '--chdir', '/'],
  ...['--', ...command],
]

/** Bubblewrap: the quickest start, and what a plain user has too. */
export const createBubblewrap = ({ path, asRoot }: BubblewrapOptions): Engine => ({
  name: 'bubblewrap',
  level: 'container',
  startsAs: asRoot ? 'host-root' : 'namespace-root',
  taskUid: asRoot ? 1000 : 0,
  ownProcesses: 8,
  async launch(launch) {
    const command = [path, ...buildArguments(launch, asRoot)]
    const child = spawn('/bin/sh', ['-c', ENTER_CGROUP, 'sh', ...launch.cgroup.doors, '--', ...command], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {},
    })
    return {
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      // Not `close`, which waits for whoever reads what it said.
      exited: once(child, 'exit').then(
        () => undefined,
        () => undefined,
      ),
      kill: () => void child.kill('SIGKILL'),
    }
  },
  close: async () => undefined,
})
