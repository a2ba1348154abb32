import { CELL_NUMBERS } from './scale.ts'

/**
 * What was measured, as a histogram over size and value, both logarithmic, in which the past fades: a weight a cell,
 * for the cells that have one. It is all that is kept; models are fitted to it when it is read.
 */
export type History = {
  readonly cells: readonly number[]
  readonly weights: readonly number[]
  /** How many of the latest observations lay on one side of what was expected: above when positive. */
  readonly streak: number
}

export const EMPTY_HISTORY: History = { cells: [], weights: [], streak: 0 }

/** A history has this many cells at most, whatever happens; the lightest make room. */
export const MAX_CELLS = 256
export const MAX_STREAK = 100

const isSound = (number: number, weight: number) =>
  Number.isInteger(number) && number >= 0 && number < CELL_NUMBERS && weight > 0 && Number.isFinite(weight)

/** A history as it was stored, without what cannot be part of one. */
export const readHistory = (stored: History): History => {
  const sound = stored.cells.flatMap((number, index) => {
    const weight = stored.weights[index] ?? 0
    return isSound(number, weight) ? [{ number, weight }] : []
  })
  const kept = sound.slice(0, MAX_CELLS)
  const streak = Math.max(-MAX_STREAK, Math.min(MAX_STREAK, Math.trunc(stored.streak) || 0))
  return { cells: kept.map(({ number }) => number), weights: kept.map(({ weight }) => weight), streak }
}
