import { PlatformError } from '../errors.ts'
import type { ByteRange } from './port.ts'

const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/

/**
 * Reads a `Range` header (RFC 9110, section 14) for an object of `sizeBytes`.
 *
 * @returns the range, cut to the object; `unsatisfiable` when no byte of the object is in it; `undefined` for what a
 * server may ignore: no range, several of them, or another unit
 */
export const parseByteRange = (
  header: string | undefined,
  sizeBytes: number,
): Required<ByteRange> | 'unsatisfiable' | undefined => {
  const [, first = '', last = ''] = RANGE.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  const end = sizeBytes - 1
  if (first === '') {
    const suffixBytes = Math.min(Number(last), sizeBytes)
    return suffixBytes === 0 ? 'unsatisfiable' : { start: sizeBytes - suffixBytes, end }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start > end) return 'unsatisfiable'
  return { start, end: last === '' ? end : Math.min(Number(last), end) }
}

/** @throws `INVALID` for a range that is not two whole numbers in order */
export const checkByteRange = ({ start, end = start }: ByteRange): void => {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start) return
  throw new PlatformError(
    'INVALID',
    'A range of bytes starts at 0 or later and does not end before it starts.',
  )
}
