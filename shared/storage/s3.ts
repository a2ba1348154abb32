import { Readable } from 'node:stream'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { PlatformError } from '../errors.ts'
import { checkByteRange } from './byte-range.ts'
import { discard, type MeteredContent, meterContent } from './content.ts'
import { checkKey, checkPrefix } from './names.ts'
import type { ObjectStore, PutOptions, SignedUrlOptions, StoredObject } from './port.ts'
import { createS3Client, type S3StoreOptions } from './s3-client.ts'
import { explainBodyErrors, isAbsent, isRangePastEnd, toUnavailable } from './s3-errors.ts'
import { checkContentType, checkSignedUrlOptions, contentDisposition, uploadHeaders } from './signed-url.ts'

/** A longer content is sent in parts of this size, two at once: a `put` holds 48 MiB at most. */
const PART_BYTES = 16 * 1024 * 1024
const PARTS_AT_ONCE = 2
/** What DeleteObjects takes. */
const KEYS_A_DELETION = 1_000
const CHECK_TIMEOUT_MS = 5_000
const SIGNED_HEADERS = new Set(['host', 'content-type', 'content-length', 'x-amz-checksum-sha256'])

const unquote = (etag = '') => etag.replace(/^"|"$/g, '')

/** Keeps objects in a bucket of an S3 service, which also serves the signed URLs. */
export const openS3Store = (options: S3StoreOptions): ObjectStore => {
  const { bucket: Bucket } = options
  const client = createS3Client(options)

  const upload = async (Key: string, content: Uint8Array | Readable, { contentType }: PutOptions) => {
    await new Upload({
      client,
      params: { Bucket, Key, Body: content, ContentType: contentType },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    }).done()
  }

  const head = async (key: string): Promise<StoredObject | undefined> => {
    checkKey(key)
    try {
      const object = await client.send(new HeadObjectCommand({ Bucket, Key: key }))
      return {
        key,
        sizeBytes: object.ContentLength ?? 0,
        contentType: object.ContentType ?? 'application/octet-stream',
        etag: unquote(object.ETag),
      }
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw toUnavailable(error)
    }
  }

  return {
    async put(key, body, putOptions) {
      let metered: MeteredContent | undefined
      try {
        checkKey(key)
        checkContentType(putOptions.contentType)
        metered = meterContent(body, putOptions.maxBytes)
        await upload(key, metered.content, putOptions)
        return metered.measure()
      } catch (error) {
        discard(body)
        const ofBody = metered?.failure()
        throw ofBody ? ofBody.error : toUnavailable(error)
      }
    },
    async get(key, range) {
      checkKey(key)
      if (range) checkByteRange(range)
      const Range = range && `bytes=${range.start}-${range.end ?? ''}`
      try {
        const object = await client.send(new GetObjectCommand({ Bucket, Key: key, ...(Range && { Range }) }))
        if (!(object.Body instanceof Readable)) throw new Error('S3 answered without a body')
        const [, total] = object.ContentRange?.split('/') ?? []
        return {
          key,
          sizeBytes: Number(total ?? object.ContentLength),
          contentType: object.ContentType ?? 'application/octet-stream',
          etag: unquote(object.ETag),
          body: explainBodyErrors(object.Body),
        }
      } catch (error) {
        if (isAbsent(error)) return undefined
        if (!isRangePastEnd(error)) throw toUnavailable(error)
        const object = await head(key)
        return object && { ...object, body: Readable.from([]) }
      }
    },
    head,
    async *list(prefix) {
      checkPrefix(prefix)
      try {
        for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: prefix })) {
          for (const { Key: key, Size: sizeBytes } of page.Contents ?? []) {
            if (key !== undefined && sizeBytes !== undefined) yield { key, sizeBytes }
          }
        }
      } catch (error) {
        throw toUnavailable(error)
      }
    },
    async delete(keys) {
      for (const key of keys) checkKey(key)
      for (let start = 0; start < keys.length; start += KEYS_A_DELETION) {
        const Objects = keys.slice(start, start + KEYS_A_DELETION).map((Key) => ({ Key }))
        const command = new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } })
        const { Errors: [refused] = [] } = await client.send(command).catch((error: unknown) => {
          throw toUnavailable(error)
        })
        if (refused) {
          throw new PlatformError(
            'UNAVAILABLE',
            `The object store did not delete every object (${refused.Code}).`,
          )
        }
      }
    },
    async signedUrl(key, urlOptions: SignedUrlOptions) {
      checkKey(key)
      checkSignedUrlOptions(urlOptions)
      const { expiresSeconds: expiresIn } = urlOptions
      if (urlOptions.method === 'GET') {
        const ResponseContentDisposition = contentDisposition(urlOptions.filename)
        return getSignedUrl(client, new GetObjectCommand({ Bucket, Key: key, ResponseContentDisposition }), {
          expiresIn,
        })
      }
      const { 'x-amz-checksum-sha256': ChecksumSHA256 } = uploadHeaders(urlOptions)
      const command = new PutObjectCommand({
        Bucket,
        Key: key,
        ContentType: urlOptions.contentType,
        ContentLength: urlOptions.sizeBytes,
        ...(ChecksumSHA256 === undefined ? {} : { ChecksumSHA256 }),
      })
      // As signed headers and not as parameters: a server that does not know them refuses rather than ignores.
      return getSignedUrl(client, command, {
        expiresIn,
        signableHeaders: SIGNED_HEADERS,
        unhoistableHeaders: SIGNED_HEADERS,
      })
    },
    async check() {
      const abortSignal = AbortSignal.timeout(CHECK_TIMEOUT_MS)
      await client.send(new HeadBucketCommand({ Bucket }), { abortSignal }).catch((error: unknown) => {
        throw toUnavailable(error)
      })
    },
    async close() {
      client.destroy()
    },
  }
}
