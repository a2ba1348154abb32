import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { PlatformError } from '../errors.ts'
import type { UploadTerms } from './port.ts'

const brokenOff = (message: string, cause?: unknown) =>
  new PlatformError('BAD_REQUEST', `${message}: upload the file again.`, { cause })

/**
 * Passes an upload on and fails at its end, before a store makes it an object, when it is not what was announced;
 * fails sooner when it is too long already, breaks off, or brings nothing for `idleTimeoutMs`.
 */
export const expectContent = (
  upload: Readable,
  { sizeBytes, sha256 }: Pick<UploadTerms, 'sizeBytes' | 'sha256'>,
  idleTimeoutMs: number,
): Readable => {
  async function* read() {
    const hash = createHash('sha256')
    let receivedBytes = 0
    const idle = setTimeout(() => {
      upload.destroy(brokenOff(`Nothing arrived for ${idleTimeoutMs / 1000} s`))
    }, idleTimeoutMs)
    try {
      for await (const chunk of upload) {
        idle.refresh()
        receivedBytes += chunk.length
        if (receivedBytes > sizeBytes) break
        hash.update(chunk)
        yield chunk
      }
    } catch (cause) {
      throw cause instanceof PlatformError ? cause : brokenOff('The upload broke off', cause)
    } finally {
      clearTimeout(idle)
    }
    if (receivedBytes !== sizeBytes) {
      throw brokenOff(`The upload was announced with ${sizeBytes} bytes, not ${receivedBytes}`)
    }
    if (sha256 !== undefined && hash.digest('hex') !== sha256) {
      throw new PlatformError('INVALID', 'The upload is not the file whose SHA-256 was announced.')
    }
  }
  return Readable.from(read(), { objectMode: false }).once('close', () => upload.destroy())
}
