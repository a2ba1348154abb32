import { Readable } from 'node:stream'
import { S3ServiceException } from '@aws-sdk/client-s3'
import { PlatformError } from '../errors.ts'

const RETRY_AFTER_SECONDS = 5

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '')

/** There is no such object; a bucket that is not there is another matter. */
export const isAbsent = (error: unknown): boolean =>
  nameOf(error) === 'NoSuchKey' || nameOf(error) === 'NotFound'

/** The object has no byte in the range asked for. */
export const isRangePastEnd = (error: unknown): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === 416

/** What the server, or the way to it, did to us: whatever it was, trying again later is all that a caller can do. */
export const toUnavailable = (cause: unknown): PlatformError => {
  if (cause instanceof PlatformError) return cause
  return new PlatformError(
    'UNAVAILABLE',
    `The object store cannot serve (${nameOf(cause)}): try again shortly.`,
    {
      cause,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    },
  )
}

/** A body whose errors read like every other error of the store. */
export const explainBodyErrors = (body: Readable): Readable => {
  async function* read() {
    try {
      yield* body
    } catch (cause) {
      throw toUnavailable(cause)
    }
  }
  // Destroyed before its first byte was read, it would never have run, and the connection would stay taken.
  return Readable.from(read(), { objectMode: false }).once('close', () => body.destroy())
}
