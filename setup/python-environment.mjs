import { installDebianPackages } from './debian-packages.mjs'
import { nodeBinary } from './node-packages.mjs'
import { cacheDir, findCommand } from './paths.mjs'
import { run } from './run.mjs'

const TIMEOUT_MS = 10 * 60_000

const ensureEnvironment = () =>
  run(nodeBinary, ['shared/environments/main.ts', 'ensure', '--data', cacheDir], { timeoutMs: TIMEOUT_MS })

/**
 * The Python environment of tasks that name no requirements. It finds itself again in a tenth of a second and does
 * its own locking, so it is simply asked for each time.
 */
export const pythonEnvironment = {
  name: 'Python environment',
  ensure: async () => {
    try {
      await ensureEnvironment()
    } catch (error) {
      const canInstall = process.getuid?.() === 0 && findCommand('apt-get') !== undefined
      if (!canInstall || !/No usable Python/.test(String(error))) throw error
      await installDebianPackages(['python3', 'python3-pip'])
      await ensureEnvironment()
    }
  },
}
