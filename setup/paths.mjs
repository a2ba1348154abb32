import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The clone that is being set up. */
export const rootDir = fileURLToPath(new URL('..', import.meta.url))

/** What is costly to make and the same for every clone of this user: Python environments, tools built with Go. */
export const cacheDir = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mecapy')

// Debian keeps system tools where an ordinary user's PATH does not look.
const searchPath = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']

/** @param {string} path */
export const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Where a command is, as a shell would find it; `undefined` when it is not installed.
 *
 * @param {string} name
 */
export const findCommand = (name) => searchPath.map((folder) => join(folder, name)).find(isExecutable)
