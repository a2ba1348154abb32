import { closeSync, createReadStream, fdatasync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { type Body, type Measured, meterContent } from './content.ts'
import { quoteName } from './names.ts'
import type { ByteRange, PutOptions, StoredObject } from './port.ts'

/**
 * An object on disk is one file, so that content and content type appear and vanish together: the content as it is,
 * from the first byte, then a footer of this length.
 */
export const FOOTER_BYTES = 256
const MARK = '\nmecapy-object-1'
const FOOTER = new RegExp(`^${MARK} ([0-9a-f]{64}) (\\S(?:.*\\S)?) *$`)

/**
 * Up to here, contents are read and written by synchronous calls: in the page cache that takes microseconds, where each
 * hop to the thread pool costs fifty. Flushes and longer contents never block the process.
 */
const SMALL_BYTES = 65_536
/** A longer content is read in pieces of this size: fewer trips to the thread pool, and little memory a download. */
const PIECE_BYTES = 262_144
const FILE_MODE = 0o600

const flushContent = promisify(fdatasync)

const encodeFooter = (contentType: string, sha256: string): Buffer =>
  Buffer.from(`${MARK} ${sha256} ${contentType}`.padEnd(FOOTER_BYTES))

const decodeFooter = (footer: Buffer, key: string) => {
  const [, sha256, contentType] = FOOTER.exec(footer.toString('latin1')) ?? []
  if (sha256 === undefined || contentType === undefined) {
    throw new Error(`the file of object ${quoteName(key)} is damaged`)
  }
  return { sha256, contentType }
}

const writeSmall = async (path: string, bytes: Uint8Array, flush: boolean): Promise<void> => {
  const descriptor = openSync(path, 'wx', FILE_MODE)
  try {
    writeFileSync(descriptor, bytes)
    if (flush) await flushContent(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Writes an object to a new file, and has it on the disk when `flush` is asked for. */
export const writeObjectFile = async (
  path: string,
  body: Body,
  { contentType, maxBytes }: PutOptions,
  flush: boolean,
): Promise<Measured> => {
  const { content, measure } = meterContent(body, maxBytes)
  if (content instanceof Uint8Array && content.byteLength <= SMALL_BYTES) {
    const measured = measure()
    await writeSmall(path, Buffer.concat([content, encodeFooter(contentType, measured.sha256)]), flush)
    return measured
  }
  await using file = await open(path, 'wx', FILE_MODE)
  await file.writeFile(content)
  const measured = measure()
  await file.writeFile(encodeFooter(contentType, measured.sha256))
  if (flush) await file.datasync()
  return measured
}

/**
 * What an open file says of its object; `undefined` for what is no file.
 *
 * @throws for a file that was not written to its end
 */
export const readObjectFacts = (descriptor: number, key: string): StoredObject | undefined => {
  const stat = fstatSync(descriptor)
  if (!stat.isFile()) return undefined
  const sizeBytes = stat.size - FOOTER_BYTES
  const footer = Buffer.alloc(FOOTER_BYTES)
  if (sizeBytes >= 0) readSync(descriptor, footer, 0, FOOTER_BYTES, sizeBytes)
  const { contentType, sha256 } = decodeFooter(footer, key)
  return { key, sizeBytes, contentType, etag: sha256 }
}

/** The content of an open file, or a range of it; closes the file at the end. */
export const readObjectContent = (descriptor: number, sizeBytes: number, range: ByteRange): Readable => {
  const end = Math.min(range.end ?? Number.POSITIVE_INFINITY, sizeBytes - 1)
  const length = Math.max(0, end - range.start + 1)
  if (length > SMALL_BYTES)
    return createReadStream('', { fd: descriptor, start: range.start, end, highWaterMark: PIECE_BYTES })
  try {
    const bytes = Buffer.alloc(length)
    readSync(descriptor, bytes, 0, length, range.start)
    return Readable.from(bytes)
  } finally {
    closeSync(descriptor)
  }
}
