import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Limits, limitsFor, TIERS, type Tier } from '../../shared/sandbox/index.ts'
import { LIMIT_RANGES, limitsSchema } from '../../shared/sandbox/tiers.ts'

const names = Object.keys(LIMIT_RANGES) as (keyof Limits)[]
const tiers = Object.keys(TIERS) as Tier[]

it('gives each tier its processors, memory and time', () => {
  expect(limitsFor({ tier: 'nano' })).toMatchObject({
    cpu: 1,
    memoryMb: 512,
    wallSeconds: 60,
    scratchMb: 256,
  })
  expect(limitsFor({ tier: 'large' })).toMatchObject({ cpu: 4, memoryMb: 8192, wallSeconds: 1_800 })
  expect(limitsFor({ tier: 'long' }).wallSeconds).toBeGreaterThan(2 * 86_400)
  expect(limitsFor()).toEqual(limitsFor({ tier: 'small' }))
})

it('replaces field by field what is asked for', () => {
  expect(limitsFor({ tier: 'medium', wallSeconds: 7 })).toEqual({
    ...limitsFor({ tier: 'medium' }),
    wallSeconds: 7,
  })
})

it('keeps every limit between its floor and its ceiling, whatever is asked for', () => {
  const asked = fc.record(
    Object.fromEntries(names.map((name) => [name, fc.double({ noNaN: true })])) as Record<
      keyof Limits,
      fc.Arbitrary<number>
    >,
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.constantFrom(...tiers), asked, (tier, wishes) => {
      const limits = limitsFor({ tier, ...wishes })
      for (const name of names) {
        expect(limits[name]).toBeGreaterThanOrEqual(LIMIT_RANGES[name].min)
        expect(limits[name]).toBeLessThanOrEqual(LIMIT_RANGES[name].max)
      }
    }),
  )
})

it.each(names)('takes no %s that would mean unlimited, and none outside of its range', (name) => {
  const limits = limitsFor()
  const { min, max } = LIMIT_RANGES[name]
  for (const value of [min, max])
    expect(limitsSchema.safeParse({ ...limits, [name]: value }).success).toBe(true)
  for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY, -1, min - 1, max + 1, '1'])
    expect(limitsSchema.safeParse({ ...limits, [name]: value }).success).toBe(false)
})
