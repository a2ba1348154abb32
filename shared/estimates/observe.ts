import type { Distribution } from './distribution.ts'
import { type History, MAX_CELLS, MAX_STREAK } from './history.ts'
import { createModel } from './model.ts'
import { type Cell, cellAt, toCellNumber } from './scale.ts'

/** What is left of a weight when another observation comes: a hundred observations or so are remembered. */
const FADING = 0.99
/** What is left of it when the observations have left what was expected behind: then the past misleads. */
const FADING_IN_DRIFT = 0.5
/** A longer streak than this is no chance. */
const LONGEST_STREAK_BY_CHANCE = 4
/** An observation that is far out counts as so many on its side. */
const FAR_OUT_COUNTS = 3
const FAR_OUT = Math.LN2
/** Nearer to the median than this is on neither side. */
const BESIDE_THE_MEDIAN = 0.05
const LIGHTEST_WEIGHT = 0.01

/** The side of the median a cell lies on, times how much it says. A lower bound below it says nothing. */
const weighSide = (cell: Cell, expected: Distribution): number => {
  const { value, atLeast } = cellAt(toCellNumber(cell))
  const distance = value - expected.median
  if (Math.abs(distance) < BESIDE_THE_MEDIAN || (atLeast && distance < 0)) return 0
  const farOut = value > expected.high + FAR_OUT || value < expected.low - FAR_OUT
  return Math.sign(distance) * (farOut ? FAR_OUT_COUNTS : 1)
}

const continueStreak = (streak: number, cell: Cell, expected: Distribution | undefined): number => {
  const side = expected ? weighSide(cell, expected) : 0
  if (side === 0) return cell.atLeast ? streak : 0
  const next = Math.sign(side) === Math.sign(streak) ? streak + side : side
  return Math.max(-MAX_STREAK, Math.min(MAX_STREAK, next))
}

const keepHeaviest = (cells: [number, number][]) =>
  (cells.length > MAX_CELLS ? cells.sort(([, a], [, b]) => b - a).slice(0, MAX_CELLS) : cells).sort(
    ([a], [b]) => a - b,
  )

/**
 * Adds a measurement to a history. `instead` is the lower bound that the same task left when it was stopped before: it is
 * taken back, so that a task counts once.
 */
export const observe = (history: History, cell: Cell, instead?: Cell): History => {
  const expected = createModel(history, 0.5).expect(cell.sizeClass)
  const streak = continueStreak(history.streak, cell, expected)
  const fading = Math.abs(streak) > LONGEST_STREAK_BY_CHANCE ? FADING_IN_DRIFT : FADING
  const weights = new Map(
    history.cells.map((number, index) => [number, (history.weights[index] ?? 0) * fading]),
  )
  const add = (added: Cell, weight: number) => {
    const number = toCellNumber(added)
    weights.set(number, (weights.get(number) ?? 0) + weight)
  }
  if (instead) add(instead, -1)
  add(cell, 1)
  const kept = keepHeaviest([...weights].filter(([, weight]) => weight >= LIGHTEST_WEIGHT))
  return { cells: kept.map(([number]) => number), weights: kept.map(([, weight]) => weight), streak }
}
