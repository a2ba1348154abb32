import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PlatformError } from '../errors.ts'

/** Node has no flock(2). The kernel drops this one when its holder ends, and its holder ends when we do. */
const HOLD = `
import fcntl, sys
with open(sys.argv[1], "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()`

/**
 * Waits for the exclusive lock on `path`, over every process of this host, and returns what frees it.
 * A holder that is killed in any way frees it too.
 *
 * @param signal - aborting it ends the wait
 * @throws {PlatformError} `UNAVAILABLE` when it is still held after `timeoutMs`
 */
export const lockFile = async (
  path: string,
  python: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<() => Promise<void>> => {
  const holder = spawn(python, ['-I', '-c', HOLD, path], { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' })
  const ended = once(holder, 'exit')
  const giveUp = () => void holder.kill('SIGKILL')
  const timer = setTimeout(giveUp, timeoutMs)
  signal?.addEventListener('abort', giveUp)
  if (signal?.aborted) giveUp()
  const held = await Promise.race([once(holder.stdout, 'data').then(() => true), ended.then(() => false)])
  clearTimeout(timer)
  signal?.removeEventListener('abort', giveUp)
  signal?.throwIfAborted()
  if (!held) {
    throw new PlatformError(
      'UNAVAILABLE',
      `Somebody else built the same and was not done within ${timeoutMs / 1_000} s.`,
    )
  }
  return async () => {
    holder.stdin.end()
    await ended
  }
}
