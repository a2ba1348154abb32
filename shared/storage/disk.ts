import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fsync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs'
import { access, lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as letOthersRun } from 'node:timers/promises'
import { promisify } from 'node:util'
import { PlatformError } from '../errors.ts'
import { checkByteRange } from './byte-range.ts'
import { discard } from './content.ts'
import { codeOf, explainDiskError } from './disk-errors.ts'
import { openBelow, openFolder, pathIn, removeEmptyFolders, splitKey, withFolder } from './disk-folders.ts'
import { listObjectFiles } from './disk-list.ts'
import { checkKey, checkPrefix, quoteName } from './names.ts'
import { readObjectContent, readObjectFacts, writeObjectFile } from './object-file.ts'
import type { ObjectStore, StoredObject } from './port.ts'
import { checkContentType } from './signed-url.ts'
import { createUrlSigner, type UrlSignerOptions } from './url-signer.ts'

export type DiskStoreOptions = UrlSignerOptions & {
  directory: string
  /** `false`: `put` does not wait for the disk, and a power cut may take what it promised. */
  flush?: boolean
}

/** A temporary file that nobody has written to for so long belongs to a process that is gone. */
const ABANDONED_MS = 24 * 3_600_000
/** Deletions are synchronous; so many take a few milliseconds. */
const DELETIONS_AT_ONCE = 100
const ABSENT = new Set(['ENOENT', 'EISDIR'])

const flushFolder = promisify(fsync)

const prepareDirectory = (directory: string) => {
  const prepare = (name: string) => {
    mkdirSync(join(directory, name), { recursive: true, mode: 0o700 })
    return realpathSync(join(directory, name))
  }
  const made = { objects: prepare('objects'), temporary: prepare('temporary') }
  if (existsSync(join(directory, 'OBJECTS'))) {
    throw new PlatformError('MISCONFIGURED', `The file system of ${directory} takes A and a for one name.`)
  }
  return made
}

const removeAbandoned = async (temporary: string): Promise<void> => {
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name)
    const file = await lstat(path).catch(() => undefined)
    if (file && Date.now() - file.mtimeMs > ABANDONED_MS) await rm(path, { force: true })
  }
}

/**
 * Keeps objects as files below `directory`, under their own names, and signs its own URLs; several processes of one
 * machine may share a directory. docs/storage.md tells what a power cut may take.
 *
 * @example
 * const store = await openDiskStore({ directory: '.data/objects', publicUrl: 'http://localhost:8000', signingKeys })
 */
export const openDiskStore = async (options: DiskStoreOptions): Promise<ObjectStore> => {
  const { flush = true } = options
  const signer = createUrlSigner(options)
  const { objects, temporary } = prepareDirectory(options.directory)
  await removeAbandoned(temporary)

  /** Until the rename a file is nobody's; after it the whole object is there. */
  const publish = (path: string, key: string): Promise<void> => {
    const [folder, name] = splitKey(key)
    return withFolder(objects, folder, async (descriptor) => {
      try {
        renameSync(path, pathIn(descriptor, name))
      } catch (error) {
        if (codeOf(error) !== 'EISDIR') throw error
        throw new PlatformError(
          'CONFLICT',
          `There are objects below ${quoteName(key)}: it cannot be one itself.`,
        )
      }
      if (flush) await flushFolder(descriptor)
    })
  }

  /** Calls `use` with an object and its open file, which is `use`'s to close unless it throws. */
  const withObject = <T>(
    key: string,
    use: (object: StoredObject, descriptor: number) => T,
  ): T | undefined => {
    checkKey(key)
    const descriptor = openBelow(objects, key, constants.O_RDONLY)
    if (descriptor === undefined) return undefined
    try {
      const object = readObjectFacts(descriptor, key)
      if (object) return use(object, descriptor)
    } catch (error) {
      closeSync(descriptor)
      throw explainDiskError(error)
    }
    closeSync(descriptor)
    return undefined
  }

  const deleteObject = (key: string): void => {
    checkKey(key)
    const [folder, name] = splitKey(key)
    const descriptor = openFolder(objects, folder)
    if (descriptor === undefined) return
    try {
      unlinkSync(pathIn(descriptor, name))
    } catch (error) {
      if (!ABSENT.has(codeOf(error) ?? '')) throw explainDiskError(error)
    } finally {
      closeSync(descriptor)
    }
    removeEmptyFolders(objects, folder)
  }

  return {
    async put(key, body, putOptions) {
      const path = join(temporary, randomUUID())
      try {
        checkKey(key)
        checkContentType(putOptions.contentType)
        const measured = await writeObjectFile(path, body, putOptions, flush)
        await publish(path, key)
        return measured
      } catch (error) {
        rmSync(path, { force: true })
        discard(body)
        throw explainDiskError(error)
      }
    },
    async get(key, range = { start: 0 }) {
      checkByteRange(range)
      return withObject(key, (object, descriptor) => ({
        ...object,
        body: readObjectContent(descriptor, object.sizeBytes, range),
      }))
    },
    async head(key) {
      return withObject(key, (object, descriptor) => {
        closeSync(descriptor)
        return object
      })
    },
    async *list(prefix) {
      checkPrefix(prefix)
      const folder = openFolder(objects, prefix.slice(0, -1))
      if (folder === undefined) return
      closeSync(folder)
      yield* listObjectFiles(objects, prefix)
    },
    async delete(keys) {
      for (const [index, key] of keys.entries()) {
        deleteObject(key)
        if ((index + 1) % DELETIONS_AT_ONCE === 0) await letOthersRun()
      }
    },
    async signedUrl(key, urlOptions) {
      return signer.sign(key, urlOptions)
    },
    verifySignedUrl: signer.verify,
    async check() {
      await access(objects, constants.R_OK | constants.W_OK | constants.X_OK).catch((cause: unknown) => {
        throw new PlatformError('UNAVAILABLE', 'The object store cannot be written to.', { cause })
      })
    },
    async close() {},
  }
}
