import { expect, test } from 'vitest'
import { createId, ID_PATTERN } from '../shared/id.ts'

test('an id that is made later sorts later, however many a millisecond brings', () => {
  const ids = Array.from({ length: 20_000 }, createId)
  expect([...ids].sort()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

test('an id is a UUID of version 7 and tells when it was made', () => {
  const before = Date.now()
  const id = createId()
  expect(id).toMatch(ID_PATTERN)
  expect(id[14]).toBe('7')
  expect(id[19]).toMatch(/[89ab]/)
  expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBeGreaterThanOrEqual(before)
})
