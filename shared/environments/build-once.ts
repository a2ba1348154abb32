import { access, chmod, lstat, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { lockFile } from './lock-file.ts'
import { runCommand } from './run-command.ts'

const SYNC_TIMEOUT_MS = 120_000

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

/** Runs `each` on every folder and file below `folder`, the deepest first, then on `folder`. */
const walk = async (
  folder: string,
  each: (path: string, isFolder: boolean) => Promise<void>,
): Promise<void> => {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await walk(path, each)
    else if (entry.isFile()) await each(path, false)
  }
  await each(folder, true)
}

/** Readable by every uid a sandbox may use, writable by none. */
const makeReadOnly = (folder: string) =>
  walk(folder, async (path, isFolder) => {
    const executable = isFolder || ((await lstat(path)).mode & 0o100) !== 0
    await chmod(path, executable ? 0o555 : 0o444)
  })

/** Removes a folder that was made read-only. */
export const removeFolder = async (folder: string): Promise<void> => {
  if (!(await exists(folder))) return
  await walk(folder, async (path, isFolder) => {
    if (isFolder) await chmod(path, 0o700)
  })
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

/**
 * Makes `folder` by calling `build` on a temporary one beside it, which then becomes read-only, reaches the disk and takes
 * the name at once: whoever sees `folder` sees all of it. Of several askers, in any process, one builds and the others wait.
 */
export const buildOnce = async (
  folder: string,
  options: { python: string; timeoutMs: number; signal?: AbortSignal | undefined },
  build: (temporary: string) => Promise<void>,
): Promise<void> => {
  if (await exists(folder)) return
  const parent = dirname(folder)
  await mkdir(parent, { recursive: true })
  const unlock = await lockFile(`${folder}.lock`, options.python, options.timeoutMs, options.signal)
  try {
    if (await exists(folder)) return
    const prefix = `${basename(folder)}.building-`
    // What a builder that was killed left behind: we hold the lock, so nobody is writing there.
    for (const name of await readdir(parent))
      if (name.startsWith(prefix)) await removeFolder(join(parent, name))
    const temporary = await mkdtemp(join(parent, prefix))
    try {
      await build(temporary)
      await makeReadOnly(temporary)
      await runCommand('sync', ['-f', temporary], { timeoutMs: SYNC_TIMEOUT_MS })
      await rename(temporary, folder)
    } catch (error) {
      await removeFolder(temporary)
      throw error
    }
  } finally {
    await unlock()
  }
}
