import type { Task } from './client.ts'
import { formatSeconds } from './format.ts'
import { padEnd, padStart, type Style } from './style.ts'

/** A task on the display: what the platform last said of it, since when it is shown, and when its progress was news. */
export type ProgressRow = {
  name: string
  /** Not there before the submission. */
  task?: Task
  /** Why it could not be submitted or followed. */
  failure?: string
  sinceMs: number
  toldMs: number
  endedMs?: number
}

const SPINNER = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏']
const SPINNER_PERIOD_MS = 100
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

const drawMark = (row: ProgressRow, style: Style, nowMs: number): string => {
  if (row.failure !== undefined) return style.bad('✘')
  switch (row.task?.status) {
    case 'completed':
      return style.good('✔')
    case 'failed':
    case 'cancelled':
      return style.bad('✘')
    default:
      return style.accent(SPINNER[Math.floor(nowMs / SPINNER_PERIOD_MS) % SPINNER.length] ?? '')
  }
}

/** A bar as fine as an eighth of a column. */
const drawBar = (fraction: number, columns: number, style: Style): string => {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * columns * 8)
  const full = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
  return style.accent(full) + style.faint('·'.repeat(columns - full.length))
}

const fractionOf = (row: ProgressRow): number =>
  row.task?.status === 'completed' ? 1 : (row.task?.progress?.fraction ?? 0)

const describeTime = (row: ProgressRow, nowMs: number): string => {
  if (row.endedMs !== undefined) return formatSeconds((row.endedMs - row.sinceMs) / 1000)
  const eta = row.task?.progress?.eta_seconds
  // Counts down between two reports, so that the display never looks stuck.
  if (row.task?.status === 'running' && typeof eta === 'number')
    return `${Math.ceil(Math.max(0, eta - (nowMs - row.toldMs) / 1000))} s left`
  return formatSeconds((nowMs - row.sinceMs) / 1000)
}

const describeState = (row: ProgressRow): string => {
  if (row.failure !== undefined) return row.failure
  const task = row.task
  if (task === undefined) return 'submitting'
  if (task.status === 'failed') return task.error_message ?? 'failed'
  if (task.status === 'running') return task.progress?.message ?? 'running'
  return task.status
}

/** One task in one line: how it is, lane and engine, bar, share done, time left or taken, and what it says. */
export const drawRow = (
  row: ProgressRow,
  layout: { nameWidth: number },
  style: Style,
  nowMs: number,
): string => {
  const fraction = fractionOf(row)
  const where = [row.task?.lane, row.task?.engine].filter((part) => part !== undefined).join(' · ')
  return [
    ` ${drawMark(row, style, nowMs)} ${padEnd(style.strong(row.name), layout.nameWidth)}`,
    style.faint(padEnd(where, 13)),
    drawBar(fraction, 24, style),
    padStart(`${Math.floor(fraction * 100)} %`, 5),
    padStart(describeTime(row, nowMs), 9),
    style.faint(describeState(row)),
  ].join('  ')
}
