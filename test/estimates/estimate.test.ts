import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EstimateRequest } from '../../shared/estimates/index.ts'
import { createMemory, newRequest } from './memory.ts'

const HIGH_PRIORITY_SECONDS = 5

const times = (count: number, act: (index: number) => void) => {
  for (let index = 0; index < count; index += 1) act(index)
}

describe('of a function that nobody knows', () => {
  const { estimate } = createMemory()

  test('the caller is taken at the word', () => {
    const request = newRequest({ callerSeconds: 2, manifestSeconds: 60 })
    expect(estimate(request)).toMatchObject({ source: 'caller', seconds: 2, expectedSeconds: 2 })
  })

  test('without a caller’s word the manifest counts', () => {
    expect(estimate(newRequest({ manifestSeconds: 60 }))).toMatchObject({ source: 'manifest', seconds: 60 })
  })

  test('without either the tier counts', () => {
    expect(estimate(newRequest())).toMatchObject({ source: 'tier', seconds: 30 })
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'a caller’s %s is no estimate',
    (callerSeconds) => {
      expect(estimate(newRequest({ callerSeconds })).source).toBe('tier')
    },
  )

  test('no more is expected than the task’s timeout', () => {
    expect(estimate(newRequest({ timeoutSeconds: 10 })).seconds).toBe(10)
  })
})

test('what a function took before counts more than its manifest and its tier', () => {
  const { estimate, run } = createMemory()
  times(3, () => void run(newRequest(), 0.2))
  const { source, seconds } = estimate(newRequest({ manifestSeconds: 60 }))
  expect(source).toBe('history')
  expect(seconds).toBeLessThan(1)
})

test('an estimate is a number between a millisecond and thirty days, whatever is asked', () => {
  const anyNumber = fc.oneof(fc.double(), fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY))
  const anyRequest = fc.record({
    inputBytes: anyNumber,
    callerSeconds: anyNumber,
    manifestSeconds: anyNumber,
    tierSeconds: anyNumber,
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(anyRequest, anyNumber), { maxLength: 20 }), anyRequest, (past, asked) => {
      const { estimate, learn } = createMemory()
      for (const [request, seconds] of past) {
        const { forecast } = estimate(newRequest(request))
        learn({ ...newRequest(request), seconds, completed: true, forecast })
      }
      const { seconds, expectedSeconds, cautiousSeconds } = estimate(newRequest(asked))
      expect(seconds).toBeGreaterThanOrEqual(0.001)
      expect(expectedSeconds).toBeLessThanOrEqual(seconds)
      expect(seconds).toBeLessThanOrEqual(cautiousSeconds)
      expect(cautiousSeconds).toBeLessThanOrEqual(30 * 86_400)
    }),
  )
})

describe('a caller', () => {
  // Runtimes of a parameter that only the caller knows: the size of the inputs tells nothing.
  const secondsOf = (index: number) => 4 ** ((7 * index) % 6)

  test('who is right is believed more than the history', () => {
    const { estimate, run } = createMemory()
    times(12, (index) => void run(newRequest({ callerSeconds: secondsOf(index) }), 1.1 * secondsOf(index)))
    const { source, seconds } = estimate(newRequest({ callerSeconds: 1_000 }))
    expect(source).toBe('caller')
    expect(seconds).toBeGreaterThan(800)
  })

  test('who is always wrong by the same factor is put right by it', () => {
    const { estimate, run } = createMemory()
    times(12, (index) => void run(newRequest({ callerSeconds: secondsOf(index) }), 20 * secondsOf(index)))
    const { seconds } = estimate(newRequest({ callerSeconds: 10 }))
    expect(seconds).toBeGreaterThan(150)
    expect(seconds).toBeLessThan(400)
  })

  test('who says anything at all is ignored for the history', () => {
    const { estimate, run } = createMemory()
    times(12, (index) => void run(newRequest({ callerSeconds: secondsOf(index) }), 60))
    const { source, seconds } = estimate(newRequest({ callerSeconds: 1 }))
    expect(source).toBe('history')
    expect(seconds).toBeGreaterThan(50)
  })

  test('who was wrong about other functions is not believed about a new one', () => {
    const { estimate, run } = createMemory()
    times(10, (index) => void run(newRequest({ functionKey: `other-${index}`, callerSeconds: 1 }), 100))
    const { source, seconds } = estimate(newRequest({ functionKey: 'new', callerSeconds: 1 }))
    expect(source).toBe('caller')
    expect(seconds).toBeGreaterThan(50)
  })

  test('who is right does not suffer from a colleague who is not', () => {
    const { estimate, run } = createMemory()
    times(10, (index) => {
      run(newRequest({ userId: 'bob', functionKey: `bobs-${index}`, callerSeconds: 1 }), 100)
      run(newRequest({ userId: 'ada', functionKey: `adas-${index}`, callerSeconds: 1 }), 1)
    })
    expect(estimate(newRequest({ functionKey: 'new', callerSeconds: 1 })).seconds).toBeLessThan(1.5)
    expect(
      estimate(newRequest({ userId: 'bob', functionKey: 'new', callerSeconds: 1 })).seconds,
    ).toBeGreaterThan(50)
  })

  test('who has changed is believed again', () => {
    const { estimate, run } = createMemory()
    times(30, (index) => void run(newRequest({ callerSeconds: secondsOf(index) }), 50 * secondsOf(index)))
    times(10, (index) => void run(newRequest({ callerSeconds: secondsOf(index) }), secondsOf(index)))
    expect(estimate(newRequest({ callerSeconds: 2 })).seconds).toBeLessThan(HIGH_PRIORITY_SECONDS)
  })
})

test('code that is new each time is expected to take what a user’s new code mostly takes', () => {
  const { estimate, run } = createMemory()
  times(10, (index) => void run(newRequest({ functionKey: `code-${index}` }), 0.1))
  const { source, seconds } = estimate(newRequest({ functionKey: 'code-new' }))
  expect(source).toBe('tier')
  expect(seconds).toBeLessThan(1)
})

describe('a hostile tenant', () => {
  /** Each way to look new or quick; every task takes 100 s. */
  const disguises: Record<string, (index: number) => Partial<EstimateRequest>> = {
    'that always says a second': () => ({ callerSeconds: 1 }),
    'with other code each time': (index) => ({ functionKey: `code-${index}`, callerSeconds: 1 }),
    'with another user each time': (index) => ({ userId: `user-${index}`, callerSeconds: 1 }),
    'with other code and another user each time': (index) => ({
      functionKey: `code-${index}`,
      userId: `user-${index}`,
      callerSeconds: 1,
    }),
    'with other code each time in a small tier': (index) => ({
      functionKey: `code-${index}`,
      tierSeconds: 1,
    }),
    'with inputs of any size': (index) => ({ inputBytes: 4 ** (index % 15), callerSeconds: 1 }),
    'that says less and less': (index) => ({ callerSeconds: Math.max(0.001, 4 / 1.5 ** index) }),
  }

  test.each(Object.entries(disguises))(
    '%s gets its long tasks into the short lane but a few times',
    (_, disguise) => {
      const { run } = createMemory()
      let slipped = 0
      times(200, (index) => {
        if (run(newRequest(disguise(index)), 100).seconds < HIGH_PRIORITY_SECONDS) slipped += 1
      })
      expect(slipped).toBeLessThanOrEqual(6)
    },
  )

  test.each([2, 5, 10, 25])(
    'pays for a long task in the short lane with short ones: one in %i is long',
    (period) => {
      const { run } = createMemory()
      let overruns = 0
      times(500, (index) => {
        const long = index % period === 0
        const { seconds } = run(newRequest({ callerSeconds: 1 }), long ? 100 : 1)
        if (long && seconds < HIGH_PRIORITY_SECONDS) overruns += 1
      })
      expect(overruns / 500).toBeLessThan(0.35)
    },
  )

  test('changes nothing for another tenant', () => {
    const { estimate, run } = createMemory()
    times(20, () => void run(newRequest(), 1))
    const before = estimate(newRequest())
    times(50, () => void run(newRequest({ tenantId: 'mallory', callerSeconds: 1 }), 1_000))
    expect(estimate(newRequest())).toEqual(before)
  })
})
