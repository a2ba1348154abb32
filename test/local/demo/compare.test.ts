import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareResult } from '../../../local/demo/compare.ts'

const value = (more: object) => ({
  name: 'Preload',
  path: 'preload_kn',
  unit: 'kN',
  source: 'by hand',
  expected: 43,
  relative_tolerance: 0.01,
  ...more,
})

test('a value is within tolerance up to the tolerance and not beyond it', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 3, noNaN: true }), (share) => {
      fc.pre(Math.abs(share - 1) > 1e-9)
      const [check] = compareResult({ preload_kn: 43 * (1 - 0.01 * share) }, [value({})])
      expect(check?.within).toBe(share < 1)
    }),
  )
})

test('a value that should be zero is held to its absolute tolerance', () => {
  const zero = value({ expected: 0, relative_tolerance: undefined, absolute_tolerance: 0.1 })
  expect(compareResult({ preload_kn: -0.1 }, [zero])[0]?.within).toBe(true)
  expect(compareResult({ preload_kn: -0.11 }, [zero])[0]?.within).toBe(false)
})

test('a path leads through objects and lists', () => {
  const result = { reactions_kn: { pin: [0, 43] } }
  expect(compareResult(result, [value({ path: 'reactions_kn.pin.1' })])[0]?.result).toBe(43)
})

test.each([
  ['is missing', {}],
  ['is text', { preload_kn: '43' }],
  ['is too large for a number', JSON.parse('{"preload_kn": 1e400}')],
  ['is only inherited', Object.create({ preload_kn: 43 })],
])('a value that %s is out of tolerance', (_name, result) => {
  expect(compareResult(result, [value({})])[0]).toMatchObject({ result: undefined, within: false })
})
