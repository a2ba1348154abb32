import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { openPrechecks, PrecheckPolicy } from '../../shared/prechecks/index.ts'
import { openTestPrechecks, summarize } from './open-test-prechecks.ts'

const { check } = openTestPrechecks()
const KIB = 1_024

test.for([
  ['brackets', `x = ${'('.repeat(10_000)}1${')'.repeat(10_000)}`],
  ['lists', `x = ${'['.repeat(10_000)}${']'.repeat(10_000)}`],
  ['signs', `x = ${'-'.repeat(10_000)}1`],
  ['sums', `x = 1${'+1'.repeat(50_000)}`],
  ['attributes', `x = a${'.b'.repeat(50_000)}`],
])('%s nested ten thousand deep are refused, and the next source is checked', async ([, source = '']) => {
  expect(summarize(await check(source))).toEqual(['too-complex 1:1'])
  expect(summarize(await check('eval("1")'))).toEqual(['S307 1:1'])
})

test('what CPython itself still compiles is checked: 150 brackets, 1,000 summands, 90 blocks', async () => {
  const blocks = Array.from({ length: 90 }, (_, depth) => `${' '.repeat(depth)}if x:`).join('\n')
  const source = [
    `x = ${'('.repeat(150)}1${')'.repeat(150)}`,
    `y = 1${' + 1'.repeat(1_000)}`,
    `${blocks}\n${' '.repeat(90)}import socket`,
  ].join('\n')
  expect(summarize(await check(source))).toEqual(['import-not-allowed 93:98'])
})

test('the depth that CPython reads is the depth that passes', async () => {
  const brackets = (depth: number) => `x = ${'('.repeat(depth)}1${')'.repeat(depth)}`
  const blocks = (depth: number) =>
    `${Array.from({ length: depth }, (_, level) => `${' '.repeat(level)}if 1:`).join('\n')}\n${' '.repeat(depth)}pass`
  for (const source of [brackets(200), blocks(99)]) {
    expect(summarize(await check(source))).toEqual([])
    execFileSync('python3', ['-c', source])
  }
  for (const source of [brackets(201), blocks(100)]) {
    expect(summarize(await check(source))).toEqual(['too-complex 1:1'])
    expect(() => execFileSync('python3', ['-c', source], { stdio: 'ignore' })).toThrow()
  }
})

test('a source of 5 MB is refused at once, by its size', async () => {
  const start = performance.now()
  const { errors } = await check('x = 1\n'.repeat(5_000_000 / 6))
  expect(errors.map(({ rule }) => rule)).toEqual(['too-large', 'too-large'])
  expect(errors[0]?.message).toContain('524288')
  expect(performance.now() - start).toBeLessThan(1_000)
})

test('a file of exactly the limit is checked, a byte more is refused', async () => {
  const policy = { maxFileBytes: 100 }
  expect(summarize(await check('#'.repeat(100), policy))).toEqual([])
  expect(summarize(await check('#'.repeat(101), policy))).toEqual(['too-large 1:1'])
  expect(summarize(await check('é'.repeat(51), policy))).toEqual(['too-large 1:1'])
})

test('all files together have a limit, and so has their number', async () => {
  const files = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ path: `m${index}.py`, source: 'x = 1\n' }))
  expect(summarize(await check(files(10), { maxTotalBytes: 60 }))).toEqual([])
  expect(summarize(await check(files(10), { maxTotalBytes: 59 }))).toEqual(['too-large 1:1'])
  expect(summarize(await check(files(10), { maxFiles: 10 }))).toEqual([])
  expect(summarize(await check(files(10), { maxFiles: 9 }))).toEqual(['too-many-files 1:1'])
})

// One implicit concatenation: Ruff's work on it grows with the square of its length.
const SLOW = `x = ${'"a"'.repeat(160_000)}`

test('a source that takes too long is refused and its thread replaced, while other sources are checked', async () => {
  const slow = openTestPrechecks({ fileTimeoutMs: 2_000 })
  await slow.check('x = 1')
  let ended = false
  const hostile = slow.check(SLOW).finally(() => {
    ended = true
  })
  expect(summarize(await slow.check('eval("beside")'))).toEqual(['S307 1:1'])
  expect(ended).toBe(false)
  const { errors } = await hostile
  expect(errors.map(({ rule }) => rule)).toEqual(['check-timeout'])
  expect(errors[0]?.message).toContain('2000 ms')
  expect(summarize(await slow.check('eval("after")'))).toEqual(['S307 1:1'])
})

test('the event loop stays free while hostile sources are read', async () => {
  const { prechecks } = openTestPrechecks({ fileTimeoutMs: 1_000 })
  let turns = 0
  const timer = setInterval(() => {
    turns += 1
  }, 5)
  const hostile = [SLOW, 'if x: pass\n'.repeat(40_000), "'".repeat(500_000)]
  await Promise.all(hostile.map((source) => prechecks.check(source, PrecheckPolicy.parse({}))))
  clearInterval(timer)
  // Read on this thread, each source would be one turn of the loop.
  expect(turns).toBeGreaterThan(hostile.length * 3)
})

test('a package that keeps breaking threads is given up at its first such file', async () => {
  const deep = `x = ${'('.repeat(10_000)}1${')'.repeat(10_000)}`
  const files = Array.from({ length: 100 }, (_, index) => ({
    path: `m${index}.py`,
    source: `${deep} + ${index}`,
  }))
  const { errors } = await check(files)
  expect(errors.map(({ file, rule }) => `${file} ${rule}`)).toEqual(['m0.py too-complex'])
})

test('a package has one time limit for all its files', async () => {
  const hurried = openTestPrechecks({ timeoutMs: 1 })
  const files = Array.from({ length: 50 }, (_, index) => ({
    path: `m${index}.py`,
    source: `x = ${index}\n`.repeat(500),
  }))
  expect(summarize(await hurried.check(files))).toEqual(['check-timeout 1:1'])
})

test('findings beyond the limit are counted, not listed', async () => {
  const few = openTestPrechecks({ maxFindings: 3 })
  expect((await few.check('eval("1")\n'.repeat(3))).errors).toHaveLength(3)
  const { errors } = await few.check('eval("1")\n'.repeat(5))
  expect(errors).toHaveLength(4)
  expect(errors[3]).toMatchObject({ rule: 'too-many-findings', message: 'There are 2 findings more' })
})

test('more sources than may wait are turned away with a time to come back', async () => {
  const { prechecks } = openTestPrechecks({ threads: 1, maxWaiting: 1 })
  const policy = PrecheckPolicy.parse({})
  await prechecks.check('x = 1', policy)
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, (_, index) => prechecks.check(`x = ${index}`, policy)),
  )
  expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(2)
  const refused = outcomes.find((outcome) => outcome.status === 'rejected')
  expect(refused?.reason).toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 1 })
})

test.for([
  ['UTF-7, in which other bytes are code', '# -*- coding: utf-7 -*-\n+AGkAbQ-port socket'],
  ['ROT13', '#!/usr/bin/env python\n# coding: rot13\nvzcbeg fbpxrg'],
  ['a second line after a form feed', '\f\n# vim: set fileencoding=latin-1 :\n'],
  ['behind a byte order mark', '\uFEFF# coding: utf-16\n'],
])('an encoding that hides code is refused: %s', async ([, source = '']) => {
  expect(summarize(await check(source))).toEqual(['encoding 1:1'])
})

test.for([
  '# -*- coding: utf-8 -*-\nx = 1\n',
  '# vim: fileencoding=utf_8\n',
  '# coding: utf-8-unix\n',
  'x = 1\n# coding: latin-1\n',
  '"""\n# coding: latin-1"""\n',
])('an encoding that changes nothing passes: %j', async (source) => {
  expect(summarize(await check(source))).toEqual([])
})

test.for([
  ['text that runs backwards', 'access = "user\u202e"\n', 'PLE2502 1:1'],
  ['a zero-width space', 'x = "a\u200bb"\n', 'PLE2515 1:7'],
  ['half of a character pair', 'x = "\ud800"\n', 'encoding 1:1'],
])('%s is refused', async ([, source = '', expected]) => {
  expect(summarize(await check(source))).toEqual([expected])
})

test('the same source under the same policy is read once, under another policy again', async () => {
  const source = `${'x = [1, 2, 3]\n'.repeat(20_000)}exec("1")\n`
  const time = async (policy = {}) => {
    const start = performance.now()
    const verdict = await check(source, policy)
    return { verdict, elapsedMs: performance.now() - start }
  }
  const first = await time()
  const second = await time()
  expect(second.verdict).toEqual(first.verdict)
  expect(second.elapsedMs).toBeLessThan(first.elapsedMs / 2)
  expect((await time({ rules: { S102: 'off' } })).verdict.errors).toEqual([])
})

test('what is forgotten is only read again: a cache of nothing gives the same answers', async () => {
  const forgetful = openTestPrechecks({ cacheEntries: 1 })
  for (let round = 0; round < 3; round++)
    expect(summarize(await forgetful.check('eval("1")'))).toEqual(['S307 1:1'])
})

test('after close nothing is checked and no thread is left', async () => {
  const prechecks = openPrechecks()
  await prechecks.check('x = 1', PrecheckPolicy.parse({}))
  await prechecks.close()
  await expect(prechecks.check('x = 2', PrecheckPolicy.parse({}))).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  })
})

test.for([
  { rules: { E501: 'off' } },
  { rules: { S102: 'sometimes' } },
  { allowImports: ['os; import socket'] },
  { maxFileBytes: 0 },
  { maxFileBytes: 3 * KIB * KIB },
  { maxFiles: null },
  { imports: 'none' },
  { unknown: true },
])('a policy that is not one is refused: %j', (policy) => {
  expect(PrecheckPolicy.safeParse(policy).success).toBe(false)
})
