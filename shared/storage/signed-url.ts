import { PlatformError } from '../errors.ts'
import { checkFileName, quoteName } from './names.ts'
import type { SignedUrlOptions, UploadTerms } from './port.ts'

/** The longest life of a signed URL. */
const MAX_EXPIRES_SECONDS = 900
/** What the media types in use need; it must fit an object file's footer. */
const MAX_CONTENT_TYPE_CHARACTERS = 127

const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
const PARAMETER = `; ?${TOKEN}=(?:${TOKEN}|"[\\w !#-\\[\\]-~]*")`
const CONTENT_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(?:${PARAMETER})*$`)
const SHA256 = /^[0-9a-f]{64}$/

/** @throws `INVALID` for what is not a media type (`text/csv; charset=utf-8`) of at most 127 characters */
export const checkContentType = (contentType: string): void => {
  if (contentType.length <= MAX_CONTENT_TYPE_CHARACTERS && CONTENT_TYPE.test(contentType)) return
  throw new PlatformError('INVALID', `${quoteName(contentType)} is not a content type.`)
}

/** @throws `INVALID` for a URL that nobody may sign */
export const checkSignedUrlOptions = (options: SignedUrlOptions): void => {
  const { expiresSeconds } = options
  if (!Number.isInteger(expiresSeconds) || expiresSeconds < 1 || expiresSeconds > MAX_EXPIRES_SECONDS) {
    throw new PlatformError('INVALID', `A signed URL lives 1 to ${MAX_EXPIRES_SECONDS} seconds.`)
  }
  if (options.method === 'GET') {
    if (options.filename !== undefined) checkFileName(options.filename)
    return
  }
  checkContentType(options.contentType)
  if (!Number.isSafeInteger(options.sizeBytes) || options.sizeBytes < 0) {
    throw new PlatformError('INVALID', 'The size of an upload is a whole number of bytes.')
  }
  if (options.sha256 !== undefined && !SHA256.test(options.sha256)) {
    throw new PlatformError('INVALID', 'A SHA-256 is written as 64 lower-case hexadecimal digits.')
  }
}

/** Always a download, never a page; the name in both spellings of RFC 6266, for old clients and new. */
export const contentDisposition = (filename?: string): string => {
  if (filename === undefined) return 'attachment'
  const ascii = filename.replace(/[^\x20-\x7e]|["%\\]/gu, '_')
  const encoded = encodeURIComponent(filename).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}

/**
 * What the client of a signed PUT has to send with it, whichever the store; its HTTP library adds the length.
 * S3 checks the content against the checksum; the disk store has it in the URL and asks for nothing.
 */
export const uploadHeaders = (terms: UploadTerms): Record<string, string> => ({
  'content-type': terms.contentType,
  ...(terms.sha256 === undefined
    ? {}
    : { 'x-amz-checksum-sha256': Buffer.from(terms.sha256, 'hex').toString('base64') }),
})
