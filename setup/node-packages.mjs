import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isExecutable, rootDir } from './paths.mjs'
import { run } from './run.mjs'

/** @typedef {{ packages: Record<string, { version?: string, optional?: boolean }> }} LockFile */

const TIMEOUT_MS = 10 * 60_000

/** The Node.js that runs this project; npm puts its folder first on the PATH of every script. */
export const nodeBinary = join(rootDir, 'node_modules/.bin/node')

/**
 * Names the packages that a lock file asks for and that `installed` (the lock file npm keeps inside node_modules)
 * has not, or has in another version. Optional ones may be absent: they belong to other machines.
 *
 * @param {LockFile} wanted
 * @param {LockFile} installed
 */
export const listMissingPackages = (wanted, installed) =>
  Object.entries(wanted.packages)
    .filter(([path, { version, optional }]) => {
      if (path === '') return false
      const found = installed.packages[path]
      return found === undefined ? !optional : found.version !== version
    })
    .map(([path]) => path)

/** @returns {LockFile} */
const readLockFile = (/** @type {string} */ path) => JSON.parse(readFileSync(join(rootDir, path), 'utf8'))

/** @returns {string[]} packages of package.json's `allowScripts` that are on this machine */
const listPackagesWithScripts = () => {
  const { allowScripts } = JSON.parse(readFileSync(join(rootDir, 'package.json'), 'utf8'))
  return Object.keys(allowScripts).filter(
    (name) => allowScripts[name] && existsSync(join(rootDir, 'node_modules', name)),
  )
}

/** @type {import('./setup.mjs').Part} */
export const nodePackages = {
  name: 'Node.js 24 and the npm packages',
  isReady: () =>
    isExecutable(nodeBinary) &&
    existsSync(join(rootDir, 'node_modules/.package-lock.json')) &&
    listMissingPackages(readLockFile('package-lock.json'), readLockFile('node_modules/.package-lock.json'))
      .length === 0,
  install: async () => {
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
    await run('npm', ['ci', ...quiet], { timeoutMs: TIMEOUT_MS })
    // A machine that blocks all install scripts has no Node 24 now: run the few scripts this project allows.
    if (!isExecutable(nodeBinary)) {
      const names = listPackagesWithScripts()
      await run('npm', ['rebuild', '--ignore-scripts=false', ...quiet, ...names], { timeoutMs: TIMEOUT_MS })
    }
    const version = await run(nodeBinary, ['--version'], { timeoutMs: 10_000 })
    if (!version.startsWith('v24.')) throw new Error(`${nodeBinary} is ${version.trim()}, not Node.js 24`)
  },
}
