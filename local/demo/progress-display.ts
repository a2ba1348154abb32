import { drawRow, type ProgressRow } from './progress-row.ts'
import { createStyle, cutToWidth, measureWidth, type Output } from './style.ts'

export type ProgressDisplay = {
  /** Tells the display that a row has changed. */
  update(): void
  /** Draws the last state and gives the terminal back. */
  stop(): void
}

const FRAME_MS = 100
const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const CLEAR_BELOW = '\u001b[J'
const DEFAULT_COLUMNS = 80

/** Redraws its lines in place, ten times a second. */
const createLiveDisplay = (rows: readonly ProgressRow[], output: Output): ProgressDisplay => {
  const style = createStyle(output)
  const nameWidth = Math.max(...rows.map(({ name }) => measureWidth(name)))
  let drawn = 0
  const draw = () => {
    const columns = (output.columns ?? DEFAULT_COLUMNS) - 1
    const lines = rows.map((row) => cutToWidth(drawRow(row, { nameWidth }, style, Date.now()), columns))
    const back = drawn === 0 ? HIDE_CURSOR : `\u001b[${drawn}A\r${CLEAR_BELOW}`
    output.write(`${back}${lines.join('\n')}\n`)
    drawn = lines.length
  }
  const timer = setInterval(draw, FRAME_MS)
  return {
    update: () => undefined,
    stop: () => {
      clearInterval(timer)
      draw()
      output.write(SHOW_CURSOR)
    },
  }
}

const STEPS = 4

/** A line whenever a task's status changes or a quarter more of it is done: for logs. */
const createPlainDisplay = (rows: readonly ProgressRow[], output: Output): ProgressDisplay => {
  const style = createStyle(output)
  const nameWidth = Math.max(...rows.map(({ name }) => measureWidth(name)))
  const told = new Map<ProgressRow, string>()
  const update = () => {
    for (const row of rows) {
      const quarter = Math.floor((row.task?.progress?.fraction ?? 0) * STEPS)
      const state = `${row.failure} ${row.task?.status} ${quarter}`
      if (told.get(row) === state) continue
      told.set(row, state)
      output.write(`${drawRow(row, { nameWidth }, style, Date.now())}\n`)
    }
  }
  return { update, stop: update }
}

/** Shows the rows, which the caller changes as it hears of its tasks, until `stop`. */
export const startProgressDisplay = (rows: readonly ProgressRow[], output: Output): ProgressDisplay =>
  output.isTTY === true ? createLiveDisplay(rows, output) : createPlainDisplay(rows, output)
