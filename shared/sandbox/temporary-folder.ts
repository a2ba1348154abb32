import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasEnded, WORKER_ID, workerId } from './worker-id.ts'

const OURS = new RegExp(`^mecapy-[a-z]+-(${WORKER_ID})-`)

/** A new folder that bears this worker's name, so that a later one may remove it should this one be killed. */
export const makeTemporaryFolder = (purpose: string): Promise<string> =>
  mkdtemp(join(tmpdir(), `mecapy-${purpose}-${workerId}-`))

/** Removes what killed workers left. */
export const sweepTemporaryFolders = async (): Promise<void> => {
  for (const name of await readdir(tmpdir())) {
    const id = OURS.exec(name)?.[1]
    if (id === undefined || !hasEnded(id)) continue
    const folder = join(tmpdir(), name)
    // Anybody may make a folder of such a name there; nobody else's is ours to remove.
    const state = await lstat(folder).catch(() => undefined)
    if (state?.isDirectory() && state.uid === process.getuid?.())
      await rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined)
  }
}
