/**
 * The object-store port: inputs, results, logs and artifacts, by key (`keys.ts`), on S3 or on disk.
 *
 * @module
 */
export { parseByteRange } from './byte-range.ts'
export { expectContent } from './expect-content.ts'
export { attemptKey, parseKey, tenantPrefix, uploadKey } from './keys.ts'
export { openStore, type StoreOptions } from './open.ts'
export type { ListedObject, ObjectStore, SignedUrlOptions, StoredObject, UploadTerms } from './port.ts'
export { contentDisposition, uploadHeaders } from './signed-url.ts'
export { OBJECTS_PATH } from './url-signer.ts'
export { verifyUpload } from './verify-upload.ts'
