import { createHash } from 'node:crypto'
import { PlatformError } from '../errors.ts'
import type { ObjectStore, StoredObject } from './port.ts'

/**
 * Reads what a client has uploaded and holds it against what it had announced.
 *
 * @throws `NOT_FOUND` when nothing came yet, `INVALID` when it is not what was announced
 */
export const verifyUpload = async (
  store: ObjectStore,
  key: string,
  announced: { sizeBytes: number; sha256: string },
): Promise<StoredObject> => {
  const object = await store.get(key)
  if (!object) throw new PlatformError('NOT_FOUND', 'The file has not been uploaded yet.')
  const { body, ...stored } = object
  if (stored.sizeBytes !== announced.sizeBytes) {
    body.destroy()
    throw new PlatformError(
      'INVALID',
      `The file has ${stored.sizeBytes} bytes, ${announced.sizeBytes} were announced: upload it again.`,
    )
  }
  const hash = createHash('sha256')
  for await (const chunk of body) hash.update(chunk)
  if (hash.digest('hex') !== announced.sha256) {
    throw new PlatformError(
      'INVALID',
      'The file is not the one whose SHA-256 was announced: upload it again.',
    )
  }
  return stored
}
