import type { Readable } from 'node:stream'

export type StoredObject = {
  key: string
  /** Of the whole object, also when a range of it was asked for. */
  sizeBytes: number
  contentType: string
  /** Another content, another etag: unquoted, opaque. */
  etag: string
}

export type ListedObject = Pick<StoredObject, 'key' | 'sizeBytes'>

/** Inclusive, as in HTTP; without `end`, to the object's end. */
export type ByteRange = { start: number; end?: number }

export type PutOptions = { contentType: string; maxBytes?: number }

/** What a signed upload is bound to. */
export type UploadTerms = {
  contentType: string
  sizeBytes: number
  /** Lower-case hex; the store refuses other content. */
  sha256?: string
}

export type SignedUrlOptions = {
  /** 1 to 900 seconds. */
  expiresSeconds: number
} & (
  | {
      method: 'GET'
      /** Suggested to the browser; checked and quoted. */
      filename?: string
    }
  | ({ method: 'PUT' } & UploadTerms)
)

/** What the bearer of a signed URL may do, its signature checked. */
export type SignedRequest = { key: string } & (
  | { method: 'GET'; filename?: string }
  | ({ method: 'PUT' } & UploadTerms)
)

/**
 * Reads a request on a URL of our own: `path` and `query` as they came.
 *
 * @throws `PERMISSION_DENIED` when it is not exactly what was signed, or too late
 */
export type VerifySignedUrl = (method: string, path: string, query: URLSearchParams) => SignedRequest

export type ObjectStore = {
  /**
   * Writes an object whole or not at all; an existing one is replaced. When it resolves, a power cut loses nothing.
   * A body longer than `maxBytes` throws `TOO_LARGE` and leaves nothing behind.
   */
  put(
    key: string,
    body: Readable | Uint8Array | string,
    options: PutOptions,
  ): Promise<{ sizeBytes: number; sha256: string }>
  /**
   * `undefined` when there is no such object. A range that starts past the end reads nothing; one that ends past it
   * reads to the end. The body must be read or destroyed.
   */
  get(key: string, range?: ByteRange): Promise<(StoredObject & { body: Readable }) | undefined>
  head(key: string): Promise<StoredObject | undefined>
  /**
   * Every object below a folder (`a/b/`, or `''` for all), in the order of the keys' bytes. A prefix that ends in the
   * middle of a name is refused: it would list the neighbour whose id begins alike.
   */
  list(prefix: string): AsyncIterable<ListedObject>
  /** Deletes; what is absent already is no error. */
  delete(keys: readonly string[]): Promise<void>
  /** The client of a PUT sends `uploadHeaders` with it. */
  signedUrl(key: string, options: SignedUrlOptions): Promise<string>
  /** Only there when the gateway has to serve the signed URLs itself. */
  readonly verifySignedUrl?: VerifySignedUrl
  /** Throws `UNAVAILABLE` when the store cannot be reached or refuses us: for `/ready`. */
  check(): Promise<void>
  close(): Promise<void>
}
