import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EMPTY_HISTORY, type History, MAX_CELLS, readHistory } from '../../shared/estimates/history.ts'
import { createModel } from '../../shared/estimates/model.ts'
import { applyChanges, listChanges, type Observation } from '../../shared/estimates/observation.ts'
import { sizeClassOf } from '../../shared/estimates/scale.ts'

const QUANTILE = 0.7

const run = (seconds: number, more: Partial<Observation> = {}): Observation => ({
  tenantId: 'acme',
  userId: 'ada',
  functionKey: 'beam',
  inputBytes: 1_000,
  seconds,
  completed: true,
  ...more,
})

/** The history of the function after these runs. */
const after = (runs: readonly Observation[], history = EMPTY_HISTORY): History =>
  applyChanges(
    history,
    runs.flatMap((one) => listChanges(one).slice(0, 1)),
  )

const expectSeconds = (history: History, inputBytes = 1_000): number => {
  const expected = createModel(history, QUANTILE).expect(sizeClassOf(inputBytes))
  return expected ? Math.exp(expected.asked) : Number.NaN
}

const repeat = (count: number, create: (index: number) => Observation) =>
  Array.from({ length: count }, (_, i) => create(i))

const anyNumber = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e308, 5e-324),
)
const anyRun = fc.record({
  seconds: anyNumber,
  inputBytes: anyNumber,
  completed: fc.boolean(),
  overranSeconds: fc.option(anyNumber, { nil: undefined }),
})
const soundRun = fc
  .record({
    seconds: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
    inputBytes: fc.integer({ min: 0, max: 1e9 }),
  })
  .map(({ seconds, inputBytes }) => run(seconds, { inputBytes }))

test('whatever is observed, a history stays sound and within its size', () => {
  fc.assert(
    fc.property(fc.array(anyRun, { maxLength: 400 }), (runs) => {
      const history = after(runs.map(({ seconds, ...more }) => run(seconds, more)))
      expect(history.cells.length).toBeLessThanOrEqual(MAX_CELLS)
      expect(readHistory(history)).toEqual(history)
      const seconds = expectSeconds(history)
      expect(history.cells.length === 0 || (seconds > 0 && Number.isFinite(seconds))).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('more different runs than there are cells push out the oldest', () => {
  const runs = repeat(600, (index) =>
    run(1.1 ** ((89 * index) % 199) / 1_000, { inputBytes: 2 ** (index % 37) }),
  )
  const history = after(runs)
  expect(history.cells).toHaveLength(MAX_CELLS)
  expect(Math.max(...history.weights)).toBe(1)
})

test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('a runtime of %s is no observation', (seconds) => {
  expect(after([run(seconds)])).toEqual(EMPTY_HISTORY)
})

test('a stored history that was damaged is read without what cannot be', () => {
  const damaged = { cells: [4_000, -1, 1.5, 9e15, 6_000], weights: [1, 1, 1, 1, Number.NaN], streak: 1e9 }
  expect(readHistory(damaged)).toEqual({ cells: [4_000], weights: [1], streak: 100 })
})

test('a function that always takes the same is expected to take that', () => {
  const seconds = expectSeconds(after(repeat(20, () => run(12))))
  expect(seconds).toBeGreaterThan(11)
  expect(seconds).toBeLessThan(14)
})

test('runs that are so many times longer make the estimate so many times longer', () => {
  fc.assert(
    fc.property(
      fc.array(soundRun, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 0, max: 40 }),
      (runs, steps) => {
        const factor = 1.1 ** steps
        const longer = runs.map((one) => ({ ...one, seconds: one.seconds * factor }))
        const ratio = expectSeconds(after(longer)) / expectSeconds(after(runs))
        // Runtimes are kept to a tenth, and either side may round.
        expect(ratio / factor).toBeGreaterThan(0.8)
        expect(ratio / factor).toBeLessThan(1.25)
      },
    ),
  )
})

test('a run above the estimate never lowers it', () => {
  fc.assert(
    fc.property(
      fc.array(soundRun, { minLength: 1, maxLength: 60 }),
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      (runs, factor) => {
        const same = runs.map((one) => ({ ...one, inputBytes: 1_000 }))
        const history = after(same)
        const before = expectSeconds(history)
        // Another run makes us surer too, which takes a little off the margin: a twentieth covers it.
        expect(expectSeconds(after([run(before * factor * 1.1)], history))).toBeGreaterThan(before * 0.95)
      },
    ),
  )
})

test('in which order two workers report hardly matters', () => {
  const anySeconds = fc.double({ min: -1, max: 1, noNaN: true }).map((power) => 10 * 4 ** power)
  const anyBatch = fc.array(
    anySeconds.map((seconds) => run(seconds)),
    { minLength: 1, maxLength: 10 },
  )
  const anyPast = fc.array(
    anySeconds.map((seconds) => run(seconds)),
    { minLength: 60, maxLength: 80 },
  )
  fc.assert(
    fc.property(anyPast, anyBatch, anyBatch, (past, one, other) => {
      const history = after(past)
      const ratio =
        expectSeconds(after([...one, ...other], history)) / expectSeconds(after([...other, ...one], history))
      expect(ratio).toBeGreaterThan(1 / 3)
      expect(ratio).toBeLessThan(3)
    }),
  )
})

test('runtimes that go with the size are expected by the size', () => {
  const history = after(
    repeat(60, (index) => run(2 ** (index % 10) / 100, { inputBytes: 1_000 * 2 ** (index % 10) })),
  )
  expect(expectSeconds(history, 2_000)).toBeLessThan(0.04)
  expect(expectSeconds(history, 400_000)).toBeGreaterThan(3)
  expect(expectSeconds(history, 8_000_000), 'beyond what was seen').toBeGreaterThan(30)
})

test('where the size explains nothing it changes next to nothing', () => {
  const history = after(
    repeat(120, (index) => run(index % 3 === 0 ? 2 : 1, { inputBytes: 1_000 * 2 ** (index % 8) })),
  )
  const seconds = [1_000, 20_000, 120_000].map((bytes) => expectSeconds(history, bytes))
  expect(Math.max(...seconds) / Math.min(...seconds)).toBeLessThan(2.5)
})

test('a function that has become slower is expected to be slow after a few runs, and quick again after a few', () => {
  const quick = after(repeat(200, () => run(1)))
  const slow = after(
    repeat(6, () => run(100)),
    quick,
  )
  expect(expectSeconds(slow)).toBeGreaterThan(60)
  expect(
    expectSeconds(
      after(
        repeat(10, () => run(1)),
        slow,
      ),
    ),
  ).toBeLessThan(2)
})

test('one run in ten that takes a hundred times as long does not make the others slow', () => {
  const history = after(repeat(200, (index) => run(index % 10 === 0 ? 100 : 1)))
  expect(expectSeconds(history)).toBeLessThan(2)
})

test('a function of which every other run takes a hundred times as long is taken for a slow one', () => {
  const history = after(repeat(200, (index) => run(index % 2 === 0 ? 100 : 1)))
  expect(expectSeconds(history)).toBeGreaterThan(50)
})

test('a run that was stopped teaches that the function takes longer than that', () => {
  const stopped = after(repeat(3, () => run(300, { completed: false })))
  expect(expectSeconds(stopped)).toBeGreaterThan(300)
})

test('runs that fail at once do not make a long function short', () => {
  const history = after(repeat(100, (index) => (index % 2 === 0 ? run(600) : run(0.1, { completed: false }))))
  expect(expectSeconds(history)).toBeGreaterThan(500)
})

test('a task that was stopped in one lane and ended in the next counts once', () => {
  const told = after([run(5, { completed: false }), run(40, { overranSeconds: 5 })])
  expect(told.cells).toEqual(after([run(40)]).cells)
  expect(told.weights).toEqual([1])
})
