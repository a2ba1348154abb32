/**
 * `npm run lock`: completes package-lock.json after an `npm install`.
 *
 * npm leaves an optional package for another machine out of the lock file when the registry at hand does not carry
 * it, and `npm ci` then refuses the file on every machine. What is missing is added here as npm would write it.
 *
 * @module
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rootDir } from './paths.mjs'

/**
 * @typedef {{ version?: string, dev?: boolean, optional?: boolean, os?: string[], cpu?: string[], libc?: string[],
 *   optionalDependencies?: Record<string, string> }} LockedPackage
 */

/**
 * The platform that a package is built for, read from the end of its name: `binding-linux-x64-musl`.
 *
 * @param {string} name
 */
export const platformOf = (name) => {
  const [, os, cpu, abi] =
    /(android|darwin|freebsd|linux|openharmony|win32)-(\w+?)(?:-(\w+))?$/.exec(name) ?? []
  if (os === undefined || cpu === undefined) throw new Error(`${name} does not say which platform it is for`)
  const libc = os === 'linux' && abi !== undefined ? [abi.startsWith('musl') ? 'musl' : 'glibc'] : undefined
  return { os: [os], cpu: [cpu], libc }
}

/**
 * The optional packages that others ask for and a lock file does not have, by their place in it.
 *
 * @param {Record<string, LockedPackage>} packages
 * @returns {Record<string, LockedPackage>}
 */
export const findAbsentPackages = (packages) => {
  /** @type {Record<string, LockedPackage>} */
  const absent = {}
  for (const [path, { dev, optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const place = `node_modules/${name}`
      if (place in packages || `${path}/${place}` in packages) continue
      const { os, cpu, libc } = platformOf(name)
      absent[place] = { version, cpu, ...(dev && { dev }), ...(libc && { libc }), optional: true, os }
    }
  }
  return absent
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = join(rootDir, 'package-lock.json')
  const lock = JSON.parse(readFileSync(path, 'utf8'))
  const absent = findAbsentPackages(lock.packages)
  const entries = Object.entries({ ...lock.packages, ...absent })
  lock.packages = Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b, 'en')))
  writeFileSync(`${path}.new`, `${JSON.stringify(lock, null, 2)}\n`)
  renameSync(`${path}.new`, path)
  console.log(`package-lock.json: ${Object.keys(absent).length} packages added`)
}
