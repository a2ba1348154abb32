import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Cgroup } from './cgroup.ts'
import type { Launched } from './engine.ts'

const FORCE_AFTER_MS = 2_000

/** A shell moves itself into the cgroup before anything else happens, so no process is ever outside. */
const ENTER = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"'

/**
 * Starts an engine's command with an empty environment, as a member of the cgroup from its first instruction; not
 * `inside` when it puts its sandbox there itself.
 *
 * @throws when this host starts no process more
 */
export const launchInCgroup = (
  command: readonly string[],
  cgroup: Cgroup,
  { inside = true }: { inside?: boolean } = {},
): Launched => {
  const doors = inside ? cgroup.doors : []
  const child = spawn('/bin/sh', ['-c', ENTER, 'sh', ...doors, '--', ...command], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {},
  })
  // Not `close`, which waits for whoever reads what it said.
  const exited = once(child, 'exit').then(
    () => undefined,
    () => undefined,
  )
  if (child.pid === undefined) throw new Error('this host has no room for another process')
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    cgroup,
    exited,
    kill: () => {
      // The engine's own process goes last, by itself, when it has seen the others die: whoever outlives it is left to
      // the machine's first process, and in a container that one may never look at the dead.
      cgroup.kill(child.pid)
      const force = setTimeout(() => {
        child.kill('SIGKILL')
        cgroup.kill()
      }, FORCE_AFTER_MS)
      void exited.then(() => clearTimeout(force))
    },
  }
}
