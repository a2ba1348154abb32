import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir } from '../../setup/paths.mjs'
import { ensureDefaultEnvironment } from '../../shared/environments/index.ts'

/** A folder of environments that has the default one already, and room for a test's own. */
export const makeDataFolder = async (folder: string): Promise<string> => {
  const { id } = await ensureDefaultEnvironment({ dataDir: cacheDir })
  await mkdir(join(folder, 'environments'), { recursive: true })
  await symlink(join(cacheDir, 'interpreters'), join(folder, 'interpreters'))
  const names = await readdir(join(cacheDir, 'environments'))
  for (const name of names.filter((one) => one === id || one.startsWith('default-')))
    await symlink(join(cacheDir, 'environments', name), join(folder, 'environments', name))
  return folder
}
