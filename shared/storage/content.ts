import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { PlatformError } from '../errors.ts'

export type Body = Readable | Uint8Array | string

export type Measured = { sizeBytes: number; sha256: string }

/** A body on its way to a store. */
export type MeteredContent = {
  /** Bytes of a body in memory, or a stream that counts and hashes as it is read. */
  content: Uint8Array | Readable
  /** Once `content` has been read to its end. */
  measure(): Measured
  /** What went wrong on the body's side, which is not the store's fault. */
  failure(): { error: unknown } | undefined
}

const tooLarge = (maxBytes: number) =>
  new PlatformError('TOO_LARGE', `The content is longer than the ${maxBytes} bytes allowed.`)

const meterBytes = (content: Uint8Array, maxBytes: number): MeteredContent => {
  if (content.byteLength > maxBytes) throw tooLarge(maxBytes)
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { content, measure: () => ({ sizeBytes: content.byteLength, sha256 }), failure: () => undefined }
}

const meterStream = (body: Readable, maxBytes: number): MeteredContent => {
  const hash = createHash('sha256')
  let sizeBytes = 0
  let failure: { error: unknown } | undefined

  async function* read() {
    try {
      for await (const chunk of body) {
        const bytes: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
        sizeBytes += bytes.byteLength
        if (sizeBytes > maxBytes) throw tooLarge(maxBytes)
        hash.update(bytes)
        yield bytes
      }
    } catch (error) {
      failure = { error }
      throw error
    }
  }

  return {
    content: Readable.from(read(), { objectMode: false }),
    measure: () => ({ sizeBytes, sha256: hash.digest('hex') }),
    failure: () => failure,
  }
}

/** Counts, limits and hashes a body while a store takes it; a body that is too long throws `TOO_LARGE`. */
export const meterContent = (body: Body, maxBytes = Number.POSITIVE_INFINITY): MeteredContent => {
  if (body instanceof Readable) return meterStream(body, maxBytes)
  return meterBytes(typeof body === 'string' ? Buffer.from(body) : body, maxBytes)
}

/** A body that nobody will read any more lets go of its source. */
export const discard = (body: Body): void => {
  if (body instanceof Readable) body.destroy()
}
