import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Cgroup } from './cgroup.ts'
import type { Launched } from './engine.ts'

/** A shell moves itself into the cgroup before anything else happens, so no process is ever outside. */
const ENTER = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"'

/** Starts a command with an empty environment; `inside`, as a member of the cgroup from its first instruction. */
export const spawnInCgroup = (
  command: readonly string[],
  { cgroup, inside = true }: { cgroup: Cgroup; inside?: boolean },
): Launched => {
  const doors = inside ? cgroup.doors : []
  const child = spawn('/bin/sh', ['-c', ENTER, 'sh', ...doors, '--', ...command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {},
  })
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    cgroup,
    // Not `close`, which waits for whoever reads what it said.
    exited: once(child, 'exit').then(
      () => undefined,
      () => undefined,
    ),
    kill: () => {
      child.kill('SIGKILL')
      cgroup.kill()
    },
  }
}
