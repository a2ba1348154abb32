import { PlatformError } from '../errors.ts'

const OUT_OF_OUR_HANDS = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'EACCES', 'EPERM'])
const RETRY_AFTER_SECONDS = 5

/** The system's word for what went wrong (`ENOENT`). */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** A full or failing disk becomes `UNAVAILABLE`; everything else stays what it is. */
export const explainDiskError = (error: unknown): unknown => {
  const code = codeOf(error)
  if (error instanceof PlatformError || code === undefined || !OUT_OF_OUR_HANDS.has(code)) return error
  return new PlatformError(
    'UNAVAILABLE',
    `The object store's disk refuses to serve (${code}): try again shortly.`,
    { cause: error, retryAfterSeconds: RETRY_AFTER_SECONDS },
  )
}
