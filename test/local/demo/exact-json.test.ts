import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseExactJson } from '../../../local/demo/exact-json.ts'

test('numbers keep their spelling', () => {
  const text = '{"a":583.0,"b":[1E+2,-0,9223372036854775808,0.1000],"c":1e400}'
  expect(JSON.stringify(parseExactJson(text))).toBe(text)
})

test('whatever JSON comes in goes out again to the letter', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      const compact = JSON.stringify(JSON.parse(json))
      expect(JSON.stringify(parseExactJson(compact))).toBe(compact)
    }),
  )
})
