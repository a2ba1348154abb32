import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

export type Environment = {
  /** SHA-256 (hex) of what it is made of: interpreter and locked requirements. */
  id: string
  /** The real interpreter (never a version manager's shim), as a path inside the sandbox. */
  python: string
  /** What a sandbox must see of the host, read-only, and where. */
  mounts: readonly { source: string; target: string }[]
  /** `PYTHONPATH`-like folders inside the sandbox, in order. */
  sitePackages: readonly string[]
  /** Top-level modules that may be imported beyond the standard library. */
  modules: readonly string[]
}

const DESCRIPTION = 'environment.json'

/** Writes an environment's description into its folder; sources are kept relative, so that the folder may move. */
export const describeEnvironment = (folder: string, environment: Environment): Promise<void> =>
  writeFile(join(folder, DESCRIPTION), `${JSON.stringify(environment, null, 2)}\n`)

/** The environment in `folder`, or undefined when none was built there. */
export const readEnvironment = async (folder: string): Promise<Environment | undefined> => {
  const text = await readFile(join(folder, DESCRIPTION), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const environment = JSON.parse(text) as Environment
  const mounts = environment.mounts.map(({ source, target }) => ({ source: resolve(folder, source), target }))
  return { ...environment, mounts }
}
