import { expect, test } from 'vitest'
import {
  countDecimals,
  formatBytes,
  formatNumber,
  formatPercent,
  formatSeconds,
} from '../../../local/demo/format.ts'

test.each([
  [1531.4, '1,531'],
  [43.111, '43.11'],
  [0.092258, '0.09226'],
  [1, '1.000'],
])('%d is shown with four significant digits', (value, shown) => {
  expect(formatNumber(value, countDecimals(value))).toBe(shown)
})

test.each([
  [0, '0 ms'],
  [0.0874, '87 ms'],
  [0.9996, '1.0 s'],
  [9.94, '9.9 s'],
  [9.96, '10 s'],
  [119.4, '119 s'],
  [200, '3 min 20 s'],
])('%d s is shown in the unit that suits it', (seconds, shown) => {
  expect(formatSeconds(seconds)).toBe(shown)
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [2_322_133, '2.3 MB'],
])('%d bytes are shown in the unit that suits them', (size, shown) => {
  expect(formatBytes(size)).toBe(shown)
})

test('a deviation has its sign, and none when it is nothing', () => {
  expect(['+0.26 %', '-0.69 %', '0.00 %']).toEqual([0.0026, -0.0069, -1e-9].map(formatPercent))
})
