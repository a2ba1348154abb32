import { createHash } from 'node:crypto'
import { S3Client } from '@aws-sdk/client-s3'
import { createPatience } from './patience.ts'

export type S3Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string }

export type S3StoreOptions = {
  bucket: string
  region: string
  credentials: S3Credentials
  /** For every S3 that is not Amazon's; clients follow signed URLs to it too. */
  endpoint?: string
  forcePathStyle?: boolean
  connectTimeoutMs?: number
  /** How long a connection may carry nothing, in either direction. */
  idleTimeoutMs?: number
  /** A request that fails for the server's sake is tried again for so long; without it, three times in quick order. */
  patienceMs?: number
}

const CONNECT_TIMEOUT_MS = 5_000
const IDLE_TIMEOUT_MS = 30_000
/** Transfers at once; one more waits for a connection, no longer than for a new one. */
const MAX_CONNECTIONS = 256
/** The first try and two more. Each request can be repeated: it reads, deletes, or sends bytes that we still hold. */
const MAX_TRIES = 3

/** A client that speaks to Amazon's S3 and to the others. */
export const createS3Client = (options: S3StoreOptions): S3Client => {
  const client = new S3Client({
    region: options.region,
    credentials: options.credentials,
    forcePathStyle: options.forcePathStyle ?? false,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.patienceMs === undefined
      ? { maxAttempts: MAX_TRIES, retryMode: 'standard' }
      : { retryStrategy: createPatience(options.patienceMs) }),
    // The signature covers the hash of what we send already; the newer checksums are not known to every S3.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      httpAgent: { maxSockets: MAX_CONNECTIONS },
      httpsAgent: { maxSockets: MAX_CONNECTIONS },
      socketTimeout: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    },
  })
  // Before 2025 DeleteObjects had to carry this header, and several S3 servers still insist.
  client.middlewareStack.add(
    (next, context) => (args) => {
      const { request } = args as { request: { body?: string; headers: Record<string, string> } }
      if (context.commandName === 'DeleteObjectsCommand') {
        request.headers['content-md5'] = createHash('md5')
          .update(request.body ?? '')
          .digest('base64')
      }
      return next(args)
    },
    { step: 'build', name: 'addContentMd5' },
  )
  return client
}
