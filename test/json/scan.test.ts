import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { appendMember, JsonSyntaxError, scanJson } from '../../shared/json/index.ts'

const limits = { maxDepth: 64 }

const fault = (text: string): JsonSyntaxError => {
  try {
    scanJson(text, limits)
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error
    throw error
  }
  throw new Error(`${text} was taken`)
}

const memberTexts = (text: string) =>
  Object.fromEntries(
    [...scanJson(text, limits)].map(([name, { start, end }]) => [name, text.slice(start, end)]),
  )

test('the text of each member is found to the letter', () => {
  expect(memberTexts('{ "a" : 583.0 ,\n"b":{"c":[1, 2]}, "d":"x\\u00e9" }')).toEqual({
    a: '583.0',
    b: '{"c":[1, 2]}',
    d: '"x\\u00e9"',
  })
})

test.each([
  ['an integer beyond 64 bits', '{"x":9223372036854775809}'],
  ['a lone surrogate, escaped', '{"x":"\\ud800"}'],
  ['a float that is a whole number', '{"x":583.0}'],
  ['a number too small for a double', '{"x":1e-400}'],
  ['a member called __proto__', '{"__proto__":1}'],
])('%s is kept as it is', (_, text) => {
  expect(() => scanJson(text, limits)).not.toThrow()
})

test.each([
  ['NaN', '{"x":NaN}', 'NaN is not JSON'],
  ['Infinity', '{"x":[-Infinity]}', '-Infinity is not JSON'],
  ['a number too large for a double', '{"x":1e400}', 'too large for a double'],
  ['a name given twice', '{"x":1,"y":2,"x":3}', 'given twice'],
  ['a name given twice in two spellings', '{"x":1,"\\u0078":3}', 'given twice'],
  ['text after the value', '{} {}', 'more text'],
  ['a trailing comma', '[1,]', 'expected a value'],
  ['a leading zero', '[01]', 'expected ","'],
  ['a bare control character', '["\u0001"]', 'control character'],
  ['nothing', '', 'the text ends'],
])('%s is refused with its reason', (_, text, reason) => {
  expect(fault(text).message).toContain(reason)
})

test('a fault tells the way to the value', () => {
  expect(fault('{"inputs":{"loads":[1,{"fx":NaN}]}}').path).toEqual(['inputs', 'loads', 1, 'fx'])
})

test('nesting is taken up to the limit and refused beyond it', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  expect(() => scanJson(nested(64), limits)).not.toThrow()
  expect(fault(nested(65)).message).toContain('nesting deeper than 64')
})

test('nesting of any depth is refused without exhausting the stack', () => {
  expect(fault('['.repeat(1_000_000)).message).toContain('nesting deeper')
})

test('a string of megabytes without an end is refused in linear time', () => {
  expect(fault(`"${'\\\\'.repeat(1_000_000)}`).message).toContain('not closed')
})

describe('against the platform’s own parser', () => {
  test('whatever JSON.stringify writes is taken', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => void scanJson(JSON.stringify(value), limits)),
    )
  })

  test('whatever is taken, JSON.parse takes too', () => {
    const soup = fc.array(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"', '1', '-', '.5', 'e9', 'true', 'nul', ' '),
    )
    fc.assert(
      fc.property(soup, (pieces) => {
        const text = pieces.join('')
        let taken = true
        try {
          scanJson(text, limits)
        } catch {
          taken = false
        }
        if (taken) JSON.parse(text)
      }),
      { numRuns: 5_000 },
    )
  })

  test('the members found are the members parsed', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (value) => {
        const text = JSON.stringify(value, null, 1)
        const found = Object.entries(memberTexts(text)).map(([name, part]) => [name, JSON.parse(part)])
        expect(found).toEqual(Object.entries(JSON.parse(text)))
      }),
    )
  })
})

test('a member given as text is added without touching it', () => {
  expect(appendMember({ id: 'x' }, 'result', '{"preload":583.0}')).toBe(
    '{"id":"x","result":{"preload":583.0}}',
  )
  expect(appendMember({}, 'result', '1.0')).toBe('{"result":1.0}')
})
