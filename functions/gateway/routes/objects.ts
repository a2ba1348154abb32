import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Context } from 'hono'
import { PlatformError } from '../../../shared/errors.ts'
import {
  contentDisposition,
  expectContent,
  OBJECTS_PATH,
  type ObjectStore,
  parseByteRange,
  type StoredObject,
  type UploadTerms,
} from '../../../shared/storage/index.ts'
import type { Gateway, GatewayEnv } from '../app.ts'

export type ObjectRoutesOptions = { uploadIdleTimeoutMs?: number }

const UPLOAD_IDLE_TIMEOUT_MS = 30_000

/** What a user's code wrote is never a page of ours: a browser saves it, guesses nothing and runs nothing. */
const UNTRUSTED_CONTENT = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'private, no-cache',
}

const headersOf = (object: StoredObject, filename?: string): Record<string, string> => ({
  ...UNTRUSTED_CONTENT,
  'content-type': object.contentType,
  'content-disposition': contentDisposition(filename),
  'content-length': `${object.sizeBytes}`,
  'accept-ranges': 'bytes',
  etag: `"${object.etag}"`,
})

const namesEtag = (header: string | undefined, etag: string): boolean =>
  header === '*' || (header ?? '').split(',').some((one) => one.trim().replace(/^W\//, '') === `"${etag}"`)

const notFound = () => new PlatformError('NOT_FOUND', 'There is nothing at this link (any more).')

/** `If-Range` with another etag: what the client has a part of is gone, so it gets the whole. */
const rangeOf = (c: Context, object: StoredObject) => {
  const condition = c.req.header('if-range')
  if (condition !== undefined && condition !== `"${object.etag}"`) return undefined
  return parseByteRange(c.req.header('range'), object.sizeBytes)
}

const answerGet = async (c: Context, store: ObjectStore, key: string, filename?: string) => {
  const object = await store.head(key)
  if (!object) throw notFound()
  const headers = headersOf(object, filename)
  if (namesEtag(c.req.header('if-none-match'), object.etag)) {
    const { 'content-length': _, ...kept } = headers
    return c.body(null, 304, kept)
  }
  if (c.req.method === 'HEAD') return c.body(null, 200, headers)

  const range = rangeOf(c, object)
  if (range === 'unsatisfiable') {
    return c.body(null, 416, { ...UNTRUSTED_CONTENT, 'content-range': `bytes */${object.sizeBytes}` })
  }
  const found = await store.get(key, range)
  if (!found) throw notFound()
  if (found.etag !== object.etag) {
    found.body.destroy()
    throw new PlatformError('CONFLICT', 'The object was replaced just now: try again.')
  }
  const body = Readable.toWeb(found.body) as globalThis.ReadableStream
  if (!range) return c.body(body, 200, headers)
  return c.body(body, 206, {
    ...headers,
    'content-length': `${range.end - range.start + 1}`,
    'content-range': `bytes ${range.start}-${range.end}/${object.sizeBytes}`,
  })
}

const answerPut = async (
  c: Context,
  store: ObjectStore,
  key: string,
  terms: UploadTerms,
  idleTimeoutMs: number,
) => {
  if (c.req.header('content-length') !== `${terms.sizeBytes}`) {
    throw new PlatformError(
      'BAD_REQUEST',
      `This link takes exactly ${terms.sizeBytes} bytes, with a Content-Length.`,
    )
  }
  if (c.req.header('content-type') !== terms.contentType) {
    throw new PlatformError(
      'UNSUPPORTED_MEDIA_TYPE',
      `This link takes the Content-Type ${terms.contentType} only.`,
    )
  }
  const body = c.req.raw.body
    ? Readable.fromWeb(c.req.raw.body as ReadableStream<Uint8Array>)
    : Readable.from([])
  const { sha256 } = await store.put(key, expectContent(body, terms, idleTimeoutMs), {
    contentType: terms.contentType,
    maxBytes: terms.sizeBytes,
  })
  return c.body(null, 200, { etag: `"${sha256}"` })
}

/**
 * Serves the signed URLs of a store that cannot serve them itself, and does nothing for one that can. The signature is
 * the permission, so this stands before authentication; it sets the security headers that users' content needs, so it
 * stands before those of the API, too.
 */
export const addObjects = (
  app: Gateway,
  { store }: { store: ObjectStore },
  { uploadIdleTimeoutMs = UPLOAD_IDLE_TIMEOUT_MS }: ObjectRoutesOptions = {},
): void => {
  const { verifySignedUrl } = store
  if (!verifySignedUrl) return
  app.on(['GET', 'PUT'], `${OBJECTS_PATH}/*`, (c: Context<GatewayEnv>) => {
    const { pathname, searchParams } = new URL(c.req.url)
    const request = verifySignedUrl(c.req.method, pathname, searchParams)
    if (request.method === 'GET') return answerGet(c, store, request.key, request.filename)
    return answerPut(c, store, request.key, request, uploadIdleTimeoutMs)
  })
}
