import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { PlatformError } from '../errors.ts'
import { openDiskStore } from './disk.ts'
import type { ObjectStore } from './port.ts'
import { openS3Store } from './s3.ts'
import type { S3Credentials } from './s3-client.ts'

export type StoreOptions = {
  /** For `file:`: the gateway as its clients reach it, and the secrets its URLs are signed with, the newest first. */
  publicUrl: string
  signingKeys: readonly string[]
  /** For `s3:`; they never stand in the URL, which ends up in logs. */
  credentials?: S3Credentials
  /** For `s3:`: how long a request waits for a server that is away; by default hardly at all. */
  patienceMs?: number
}

const DiskQuery = z.strictObject({ flush: z.enum(['on', 'off']).default('on') })

const S3Query = z.strictObject({
  region: z.string().min(1),
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  path_style: z.enum(['true', 'false']).default('false'),
})

const misconfigured = (message: string, cause?: unknown) =>
  new PlatformError('MISCONFIGURED', message, { cause })

const readQuery = <T>(url: URL, schema: z.ZodType<T>): T => {
  const query = schema.safeParse(Object.fromEntries(url.searchParams))
  if (query.success) return query.data
  const faults = query.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`.trim())
  throw misconfigured(`The URL of the object store (${url.protocol}) is not valid: ${faults.join('; ')}.`)
}

/**
 * Opens the object store that a URL names: `file:///var/lib/mecapy/objects` (`?flush=off` for data that may be lost in
 * a power cut) or `s3://bucket?region=fr-par&endpoint=https://s3.fr-par.scw.cloud` (`&path_style=true` for servers that
 * have no host name a bucket).
 *
 * @throws `MISCONFIGURED` for anything else, without repeating the URL
 */
export const openStore = async (url: string, options: StoreOptions): Promise<ObjectStore> => {
  if (!URL.canParse(url)) throw misconfigured('The URL of the object store cannot be read.')
  const parsed = new URL(url)
  if (parsed.username !== '' || parsed.password !== '') {
    throw misconfigured('Credentials do not belong in the URL of the object store: set them apart.')
  }
  if (parsed.protocol === 'file:') {
    // `file:data` would silently be `/data`, and `file://data/objects` a host.
    if (!url.startsWith('file:///'))
      throw misconfigured('A file: object store is an absolute path: file:///path.')
    const { flush } = readQuery(parsed, DiskQuery)
    return openDiskStore({
      directory: fileURLToPath(parsed),
      publicUrl: options.publicUrl,
      signingKeys: options.signingKeys,
      flush: flush === 'on',
    })
  }
  if (parsed.protocol === 's3:') {
    const query = readQuery(parsed, S3Query)
    if (parsed.hostname === '' || !/^\/?$/.test(parsed.pathname)) {
      throw misconfigured('An s3: object store is a bucket and no folder in it: s3://bucket?region=…')
    }
    if (!options.credentials)
      throw misconfigured('The S3 object store needs an access key id and a secret access key.')
    return openS3Store({
      bucket: parsed.hostname,
      region: query.region,
      ...(query.endpoint === undefined ? {} : { endpoint: query.endpoint }),
      forcePathStyle: query.path_style === 'true',
      credentials: options.credentials,
      ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
    })
  }
  throw misconfigured(`An object store is file: or s3:, not ${parsed.protocol}`)
}
