import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { buildOnce } from './build-once.ts'
import type { InterpreterCopy } from './copy-interpreter.ts'
import { describeEnvironment, type Environment, readEnvironment } from './environment.ts'

/** Where a sandbox sees an environment's packages. */
export const PACKAGES_PREFIX = '/opt/packages'

/** `numpy` for `numpy/`, `six` for `six.py`, `_cffi_backend` for `_cffi_backend.cpython-311-….so`. */
const listModules = async (sitePackages: string): Promise<string[]> => {
  const modules = new Set<string>()
  for (const entry of await readdir(sitePackages, { withFileTypes: true })) {
    const file = /^(.+?)(\.cpython-[^.]+|\.abi3)?\.(py|so)$/.exec(entry.name)?.[1]
    const name = entry.isDirectory() ? entry.name : file
    if (name !== undefined && /^[A-Za-z_]\w*$/.test(name)) modules.add(name)
  }
  return [...modules].sort()
}

/** Bytes of all files below a folder. */
export const measureFolder = async (folder: string): Promise<number> => {
  let bytes = 0
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size
  }
  return bytes
}

export type EnvironmentPlan = {
  /** Where environments live; this one becomes `folder/<id>`. */
  folder: string
  id: string
  interpreter: InterpreterCopy
  /** Longest build, or wait for another process's. */
  timeoutMs: number
  /** Aborting it ends the wait or the build. */
  signal?: AbortSignal | undefined
}

/**
 * Makes an environment of an interpreter and of what `install` puts into a folder. Commands and bytecode caches of
 * packages stay out of reach: a task imports modules, it starts no programs.
 */
export const buildEnvironment = async (
  { folder, id, interpreter, timeoutMs, signal }: EnvironmentPlan,
  install: (sitePackages: string) => Promise<void>,
): Promise<Environment> => {
  const target = join(folder, id)
  await buildOnce(target, { python: interpreter.host, timeoutMs, signal }, async (temporary) => {
    const sitePackages = join(temporary, 'site-packages')
    await mkdir(sitePackages)
    await install(sitePackages)
    for (const name of ['bin', '__pycache__'])
      await rm(join(sitePackages, name), { recursive: true, force: true })
    const mounts = interpreter.mounts.map((mount) => ({ ...mount, source: relative(target, mount.source) }))
    await describeEnvironment(temporary, {
      id,
      python: interpreter.python,
      mounts: [...mounts, { source: 'site-packages', target: PACKAGES_PREFIX }],
      sitePackages: [PACKAGES_PREFIX],
      modules: await listModules(sitePackages),
    })
  })
  const environment = await readEnvironment(target)
  if (environment === undefined) throw new Error(`${target} has no description`)
  return environment
}
