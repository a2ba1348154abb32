import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TIERS, type Tier } from '../../shared/sandbox/index.ts'
import { decideRetry, type RetryTerms } from '../../shared/tasks/retry-policy.ts'
import { FAILURE_CODES } from '../../shared/tasks/task.ts'

const terms = (changes: Partial<RetryTerms> = {}): RetryTerms => ({
  attemptsUsed: 1,
  maxAttempts: 3,
  retryOn: [],
  backoffSeconds: null,
  repeatable: true,
  resources: { tier: 'small', cpu: 2, memoryMb: 2_048 },
  ...changes,
})

test('only what is nobody’s code to blame, or what the task names, is tried again', () => {
  const retried = FAILURE_CODES.filter((code) => decideRetry(code, terms()).again)
  expect(retried).toEqual(['sandbox_error', 'worker_lost'])
  expect(decideRetry('user_error', terms())).toEqual({ again: false, deadReason: null })
  expect(decideRetry('user_error', terms({ retryOn: ['user_error'] })).again).toBe(true)
})

test('attempts are used up exactly at the limit, and the task says so', () => {
  expect(decideRetry('worker_lost', terms({ attemptsUsed: 2, maxAttempts: 3 })).again).toBe(true)
  expect(decideRetry('worker_lost', terms({ attemptsUsed: 3, maxAttempts: 3 }))).toEqual({
    again: false,
    deadReason: 'attempts_exhausted',
  })
})

test('a task that is not repeatable is never tried again', () => {
  expect(decideRetry('worker_lost', terms({ repeatable: false }))).toEqual({
    again: false,
    deadReason: 'not_repeatable',
  })
})

test('pauses double up to a ceiling, jittered over their upper half', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 900 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attemptsUsed, backoffSeconds, random) => {
        const decision = decideRetry(
          'user_error',
          terms({ attemptsUsed, maxAttempts: 10, retryOn: ['user_error'], backoffSeconds }),
          random,
        )
        const pause = Math.min(backoffSeconds * 2 ** (attemptsUsed - 1), 900)
        expect(decision.again && decision.delaySeconds).toBeGreaterThanOrEqual(pause / 2)
        expect(decision.again && decision.delaySeconds).toBeLessThanOrEqual(pause)
      },
    ),
  )
})

test('out of memory is tried again at once with the next larger tier, until there is none', () => {
  let resources: RetryTerms['resources'] = { tier: 'nano', ...pick('nano') }
  const climbed: (string | null)[] = []
  while (true) {
    const decision = decideRetry('out_of_memory', terms({ retryOn: ['out_of_memory'], resources }))
    if (!decision.again) {
      expect(decision.deadReason).toBe('no_larger_tier')
      break
    }
    expect(decision.delaySeconds).toBe(0)
    expect(decision.resources.memoryMb).toBeGreaterThan(resources.memoryMb)
    resources = decision.resources
    climbed.push(resources.tier)
  }
  expect(climbed).toEqual(['micro', 'small', 'medium', 'large'])
})

test('a task without a tier gets twice the memory', () => {
  const resources = { tier: null, cpu: 1, memoryMb: 300 }
  expect(decideRetry('out_of_memory', terms({ retryOn: ['out_of_memory'], resources }))).toMatchObject({
    resources: { tier: null, cpu: 1, memoryMb: 600 },
  })
})

const pick = (tier: Tier) => ({ cpu: TIERS[tier].cpu, memoryMb: TIERS[tier].memoryMb })
