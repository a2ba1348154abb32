import { realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PlatformError } from '../errors.ts'
import { runCommand } from './run-command.ts'

/** A file of the host, and where a sandbox sees it. */
export type Copy = { source: string; target: string }

/**
 * What wheels may expect of any Linux besides the interpreter's own libraries: the core of the manylinux policies. The C++
 * runtime is not always there; the others belong to libc, and newer ones have them inside.
 */
const WHEEL_LIBRARIES = [
  'libstdc++.so.6',
  'libgcc_s.so.1',
  'libpthread.so.0',
  'libdl.so.2',
  'librt.so.1',
  'libutil.so.1',
]
const NEEDED = ['libstdc++.so.6', 'libgcc_s.so.1']

const LDD_TIMEOUT_MS = 30_000

const findLibrary = async (name: string, folders: string[]): Promise<string | undefined> => {
  for (const folder of folders) {
    const path = await realpath(join(folder, name)).catch(() => undefined)
    if (path !== undefined) return path
  }
  return undefined
}

/**
 * The loader and every shared library that these binaries ask for, directly or not, and the few that wheels count on. Files
 * one by one, not the host's library folders: those hold programs, other people's libraries and their configuration.
 *
 * @throws {PlatformError} `MISCONFIGURED` naming what is missing
 */
export const listLibraries = async (binaries: string[]): Promise<Copy[]> => {
  const text = await runCommand('ldd', binaries, { timeoutMs: LDD_TIMEOUT_MS })
  const loader = /^\s+(\/\S+) \(0x/m.exec(text)?.[1]
  const found = new Map(
    [...text.matchAll(/^\s+(\S+) => (\/\S+) \(0x/gm)].map(([, name = '', path = '']) => [name, path]),
  )
  const libc = found.get('libc.so.6')
  if (loader === undefined || libc === undefined) {
    const message = `ldd names no loader and libc for ${binaries[0]}: a dynamically linked glibc Python is needed.`
    throw new PlatformError('MISCONFIGURED', message)
  }
  const home = dirname(libc)
  for (const name of WHEEL_LIBRARIES) {
    const path = await findLibrary(name, [home, join('/usr', home)])
    if (path !== undefined) found.set(name, path)
    else if (NEEDED.includes(name)) {
      throw new PlatformError(
        'MISCONFIGURED',
        `${name} is missing: install it (Debian: apt-get install libstdc++6 libgcc-s1).`,
      )
    }
  }
  // The loader searches libc's own folder without any configuration, so all of them go there.
  const libraries = [...found].map(([name, source]) => ({ source, target: join(home, name) }))
  return [{ source: loader, target: loader }, ...libraries]
}
