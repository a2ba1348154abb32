import { closeSync, constants, lstatSync, mkdirSync, openSync, readlinkSync, rmdirSync } from 'node:fs'
import { PlatformError } from '../errors.ts'
import { codeOf } from './disk-errors.ts'
import { quoteName } from './names.ts'

const FOLDER_MODE = 0o700
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])
const RETRIES = 20

/** A path by way of an open folder: nobody can put another folder, or a symbolic link, in its place meanwhile. */
export const pathIn = (folder: number, name: string): string => `/proc/self/fd/${folder}/${name}`

/** Splits a key into its folder and its file name. */
export const splitKey = (key: string): [folder: string, name: string] => {
  const slash = key.lastIndexOf('/')
  return [key.slice(0, Math.max(slash, 0)), key.slice(slash + 1)]
}

/**
 * Opens what is at `path` below `root` and returns its descriptor; `undefined` when nothing is there, or when a
 * symbolic link is on the way. `root` is a real path.
 */
export const openBelow = (root: string, path: string, flags: number): number | undefined => {
  const wanted = path === '' ? root : `${root}/${path}`
  let descriptor: number
  try {
    // Without O_NONBLOCK, a named pipe that someone left here would block the process.
    descriptor = openSync(wanted, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (ABSENT.has(codeOf(error) ?? '')) return undefined
    throw error
  }
  const opened = readlinkSync(pathIn(descriptor, '').slice(0, -1))
  // A file that was replaced since is still the whole object that it was.
  if (opened === wanted || opened === `${wanted} (deleted)`) return descriptor
  closeSync(descriptor)
  return undefined
}

export const openFolder = (root: string, folder: string): number | undefined =>
  openBelow(root, folder, constants.O_RDONLY | constants.O_DIRECTORY)

const makeFolders = (root: string, folder: string): void => {
  let path = root
  for (const name of folder.split('/')) {
    path += `/${name}`
    const entry = lstatSync(path, { throwIfNoEntry: false })
    if (entry && !entry.isDirectory()) {
      throw new PlatformError('CONFLICT', `An object stands where the folder ${quoteName(folder)} would be.`)
    }
    try {
      if (!entry) mkdirSync(path, FOLDER_MODE)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
}

/**
 * Calls `work` with the open folder, made if needed; again when the folder was cleaned away under its feet, as happens
 * when the last object of a folder is deleted while another one arrives.
 */
export const withFolder = async <T>(
  root: string,
  folder: string,
  work: (descriptor: number) => Promise<T>,
): Promise<T> => {
  for (let retriesLeft = RETRIES; ; retriesLeft--) {
    let descriptor = openFolder(root, folder)
    try {
      if (descriptor === undefined) {
        makeFolders(root, folder)
        descriptor = openFolder(root, folder)
      }
      if (descriptor !== undefined) return await work(descriptor)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || retriesLeft === 0) throw error
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
    if (retriesLeft === 0) throw new Error(`the folder ${quoteName(folder)} cannot be opened`)
  }
}

/** Removes `folder` and those above it, up to `root`, as far as they are empty. */
export const removeEmptyFolders = (root: string, folder: string): void => {
  let path = folder
  while (path !== '') {
    try {
      rmdirSync(`${root}/${path}`)
    } catch {
      return
    }
    ;[path] = splitKey(path)
  }
}
