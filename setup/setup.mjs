/**
 * `node setup/setup.mjs [--test] [--peers]`: makes a clone ready to run, to test, or to test against the heavier peers.
 *
 * Plain JavaScript on Node's own modules, for any Node from 18 on: it runs before anything is installed. When nothing
 * is missing it only looks at files. Two runs at once are safe: the second waits, then finds the work done.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { debianPackages } from './debian-packages.mjs'
import { goTools } from './go-tools.mjs'
import { keycloak } from './keycloak.mjs'
import { nodePackages } from './node-packages.mjs'
import { findCommand, rootDir } from './paths.mjs'
import { pythonEnvironment } from './python-environment.mjs'

/**
 * What is to be possible: `run` the platform, `test` it, test it against its `peers`. Each includes the one before.
 *
 * @typedef {'run' | 'test' | 'peers'} Level
 */

/**
 * Something a clone needs. `isReady` may only look at files.
 *
 * @typedef {{ name: string, describe?: () => string, isReady: () => boolean, install: () => Promise<unknown> }} Part
 */

const LOCK_TIMEOUT_SECONDS = 900
const LOCK_BUSY = 75

/** @returns {Level[]} */
const readLevels = (/** @type {string[]} */ args) => {
  const unknown = args.find((arg) => !['--test', '--peers', '--locked'].includes(arg))
  if (unknown) throw new Error(`there is no option ${unknown}: node setup/setup.mjs [--test] [--peers]`)
  if (args.includes('--peers')) return ['run', 'test', 'peers']
  return args.includes('--test') ? ['run', 'test'] : ['run']
}

const say = (/** @type {string} */ text) => console.log(`set-up  ${text}`)

const messageOf = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error))

const secondsSince = (/** @type {number} */ startMs) => ((Date.now() - startMs) / 1000).toFixed(1)

/**
 * Installs a part and tells; `false` when it could not be.
 *
 * @param {Part} part
 */
const installPart = async ({ name, describe, isReady, install }) => {
  const startMs = Date.now()
  say(`${name}: installing ${describe?.() ?? ''}`.trimEnd())
  try {
    await install()
    if (!isReady()) throw new Error('it was installed, and is still not found')
    say(`${name}: ready after ${secondsSince(startMs)} s`)
    return true
  } catch (error) {
    say(`${name}: NOT READY: ${messageOf(error)}`)
    return false
  }
}

/** Quick when the environment is there already; only then it says nothing. */
const preparePython = async () => {
  const startMs = Date.now()
  const notice = setTimeout(() => say(`${pythonEnvironment.name}: building`), 1_000)
  try {
    await pythonEnvironment.ensure()
    if (Date.now() - startMs > 1_000) say(`${pythonEnvironment.name}: ready after ${secondsSince(startMs)} s`)
    return true
  } catch (error) {
    say(`${pythonEnvironment.name}: NOT READY: ${messageOf(error)}`)
    return false
  } finally {
    clearTimeout(notice)
  }
}

/** Runs this script again under the kernel's lock on this clone, which a killed holder cannot leave behind. */
const runAgainLocked = () => {
  const flock = findCommand('flock')
  if (!flock) throw new Error('the command flock is missing: install util-linux')
  mkdirSync(join(rootDir, '.data'), { recursive: true, mode: 0o700 })
  const start = (/** @type {string[]} */ options) => {
    const script = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2), '--locked']
    const lock = [
      '--close',
      '--conflict-exit-code',
      `${LOCK_BUSY}`,
      ...options,
      join(rootDir, '.data/setup.lock'),
    ]
    return spawnSync(flock, [...lock, ...script], { stdio: 'inherit' }).status ?? 1
  }
  const status = start(['--nonblock'])
  if (status !== LOCK_BUSY) return status
  say('another set-up of this clone is at work: waiting for it')
  const statusAfterWait = start(['--timeout', `${LOCK_TIMEOUT_SECONDS}`])
  if (statusAfterWait === LOCK_BUSY) say(`it is still at work after ${LOCK_TIMEOUT_SECONDS} s: giving up`)
  return statusAfterWait
}

const setUp = async () => {
  const levels = readLevels(process.argv.slice(2))
  const parts = [
    nodePackages,
    debianPackages(levels),
    ...(levels.includes('peers') ? [...goTools, keycloak] : []),
  ]
  const missing = parts.filter((part) => !part.isReady())
  if (missing.length > 0 && !process.argv.includes('--locked')) return runAgainLocked()
  const installed = await Promise.all(missing.map(installPart))
  const prepared = nodePackages.isReady() && (await preparePython())
  return prepared && installed.every(Boolean) ? 0 : 1
}

try {
  process.exitCode = await setUp()
} catch (error) {
  say(messageOf(error))
  process.exitCode = 1
}
