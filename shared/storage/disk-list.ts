import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from './disk-errors.ts'
import { FOOTER_BYTES } from './object-file.ts'
import type { ListedObject } from './port.ts'

const compareBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))

/** Files and folders that were removed meanwhile are no longer there to list. */
const orWhenGone =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (codeOf(error) === 'ENOENT') return instead
    throw error
  }

/** Every object file below `folder` (`a/b/`), in the order of the keys' bytes; follows no symbolic link. */
export async function* listObjectFiles(root: string, folder: string): AsyncGenerator<ListedObject> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(orWhenGone([]))
  const names = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    // With its slash, so that a folder stands where the keys below it belong.
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort(compareBytes)
  for (const name of names) {
    const key = `${folder}${name}`
    if (name.endsWith('/')) {
      yield* listObjectFiles(root, key)
      continue
    }
    const file = await lstat(join(root, key)).catch(orWhenGone(undefined))
    if (file && file.size >= FOOTER_BYTES) yield { key, sizeBytes: file.size - FOOTER_BYTES }
  }
}
