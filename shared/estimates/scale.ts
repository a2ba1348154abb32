/** Values are kept in classes a tenth apart: what that rounds off is little beside what runtimes vary by. */
const VALUE_STEP = Math.log(1.1)
/** Thirty days, the longest timeout there is. */
const HIGHEST_SECONDS = 30 * 86_400
const LOWEST_SECONDS = 0.001
/** Room for ratios of two runtimes as well. */
const LOWEST_VALUE = 1e-6
const HIGHEST_VALUE = HIGHEST_SECONDS

const SIZE_STEP = Math.LN2 / 2
const HIGHEST_SIZE_CLASS = 127

const toClass = (value: number) => Math.round(Math.log(value) / VALUE_STEP)
const LOWEST_CLASS = toClass(LOWEST_VALUE)
const HIGHEST_CLASS = toClass(HIGHEST_VALUE)
const VALUE_CLASSES = HIGHEST_CLASS - LOWEST_CLASS + 1

/** Whether a number can be a runtime that somebody expects. */
export const isRuntime = (seconds: number | undefined): seconds is number =>
  seconds !== undefined && seconds > 0 && Number.isFinite(seconds)

/** A runtime within what there is; what is no number at all counts as the longest. */
export const clampSeconds = (seconds: number): number =>
  Number.isNaN(seconds) ? HIGHEST_SECONDS : Math.min(HIGHEST_SECONDS, Math.max(LOWEST_SECONDS, seconds))

/** The class of a size, two to each doubling; what is no size counts as nothing. */
export const sizeClassOf = (bytes: number): number =>
  bytes > 0 ? Math.min(HIGHEST_SIZE_CLASS, Math.round(Math.log1p(bytes) / SIZE_STEP)) : 0

/** A size class on a logarithmic axis. */
export const sizeAt = (sizeClass: number): number => sizeClass * SIZE_STEP

/** A place in a history: how large the inputs were, what was measured, and whether it is only a lower bound. */
export type Cell = { sizeClass: number; value: number; atLeast: boolean }

/** One whole number a cell; a value beyond the scale counts as its end. */
export const toCellNumber = ({ sizeClass, value, atLeast }: Cell): number => {
  const valueClass = Math.min(HIGHEST_CLASS, Math.max(LOWEST_CLASS, toClass(value)))
  return (sizeClass * VALUE_CLASSES + valueClass - LOWEST_CLASS) * 2 + Number(atLeast)
}

export const CELL_NUMBERS = (HIGHEST_SIZE_CLASS + 1) * VALUE_CLASSES * 2

/** A cell on logarithmic axes. */
export const cellAt = (cellNumber: number): { size: number; value: number; atLeast: boolean } => {
  const place = Math.floor(cellNumber / 2)
  return {
    size: sizeAt(Math.floor(place / VALUE_CLASSES)),
    value: ((place % VALUE_CLASSES) + LOWEST_CLASS) * VALUE_STEP,
    atLeast: cellNumber % 2 === 1,
  }
}
