import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseByteRange } from '../../shared/storage/byte-range.ts'

test.each([
  ['bytes=0-0', 10, { start: 0, end: 0 }],
  ['bytes=0-', 10, { start: 0, end: 9 }],
  ['bytes=9-9', 10, { start: 9, end: 9 }],
  ['bytes=2-99', 10, { start: 2, end: 9 }],
  ['bytes=-3', 10, { start: 7, end: 9 }],
  ['bytes=-99', 10, { start: 0, end: 9 }],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=10-12', 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-1', 0, 'unsatisfiable'],
  ['bytes=3-2', 10, undefined],
  ['bytes=-', 10, undefined],
  ['bytes=0-1,3-4', 10, undefined],
  ['bytes=a-b', 10, undefined],
  ['bytes=1e1-', 10, undefined],
  ['bytes=99999999999999999999-', 10, undefined],
  ['lines=0-1', 10, undefined],
  ['', 10, undefined],
  [undefined, 10, undefined],
] as const)('%j of %i bytes is %j', (header, sizeBytes, range) => {
  expect(parseByteRange(header, sizeBytes)).toEqual(range)
})

test('a range never reaches outside the object', () => {
  const number = fc.oneof(fc.constant(''), fc.nat().map(String))
  fc.assert(
    fc.property(number, number, fc.nat(), (first, last, sizeBytes) => {
      const range = parseByteRange(`bytes=${first}-${last}`, sizeBytes)
      if (range === undefined || range === 'unsatisfiable') return
      expect(range.start).toBeGreaterThanOrEqual(0)
      expect(range.end).toBeGreaterThanOrEqual(range.start)
      expect(range.end).toBeLessThan(sizeBytes)
    }),
  )
})
