import fc from 'fast-check'
import { expect, test } from 'vitest'
import { coalesce } from '../shared/coalesce.ts'

const double = async (items: readonly number[]) => items.map((item) => 2 * item)

test('a call alone goes out at once, alone', async () => {
  const batches: number[][] = []
  const call = coalesce(
    async (items: readonly number[]) => {
      batches.push([...items])
      return await double(items)
    },
    { maxInFlight: 1, maxItems: 10 },
  )
  expect(await call(1)).toBe(2)
  expect(batches).toEqual([[1]])
})

test('every call gets its own answer, in batches within the limits', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 9 }),
      async (items, maxInFlight, maxItems) => {
        let inFlight = 0
        const call = coalesce(
          async (batch: readonly number[]) => {
            inFlight += 1
            expect(inFlight).toBeLessThanOrEqual(maxInFlight)
            expect(batch.length).toBeLessThanOrEqual(maxItems)
            await new Promise((resolve) => setImmediate(resolve))
            inFlight -= 1
            return await double(batch)
          },
          { maxInFlight, maxItems },
        )
        expect(await Promise.all(items.map(call))).toEqual(items.map((item) => 2 * item))
      },
    ),
  )
})

test('a batch that fails fails its own calls and no others', async () => {
  const call = coalesce(
    async (items: readonly number[]) => {
      if (items.includes(13)) throw new Error('unlucky')
      return await double(items)
    },
    { maxInFlight: 1, maxItems: 1 },
  )
  const answers = await Promise.allSettled([1, 13, 2].map(call))
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
