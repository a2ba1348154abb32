import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { removeFolder } from '../../shared/environments/build-once.ts'

/** A folder of this test's own, gone after it. */
export const makeTemporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'environments-'))
  onTestFinished(() => removeFolder(folder))
  return folder
}
