import { basename, dirname } from 'node:path'
import type { Task } from './client.ts'
import { allowedDeviation, type Check } from './compare.ts'
import {
  countDecimals,
  formatBrief,
  formatBytes,
  formatNumber,
  formatPercent,
  formatSeconds,
} from './format.ts'
import type { Style } from './style.ts'
import { type Column, drawTable } from './table.ts'

export type DownloadedArtifact = { name: string; path: string; sizeBytes: number; asExpected: boolean }

/** What came of one example. */
export type ExampleReport = {
  name: string
  title: string
  /** Every value within its tolerance and every artifact as it should be. */
  passed: boolean
  /** From submission to the end, as the caller saw it. */
  elapsedMs: number
  task?: Task
  checks: readonly Check[]
  artifacts: readonly DownloadedArtifact[]
  /** Why there are no values: the task failed, or the platform refused it. */
  failure?: string
  /** The end of what a failed function printed. */
  logTail?: string
}

const COLUMNS: Column[] = [
  { title: '', align: 'left' },
  { title: 'quantity', align: 'left' },
  { title: 'result', align: 'number' },
  { title: 'expected', align: 'number' },
  { title: 'unit', align: 'left' },
  { title: 'deviation', align: 'right' },
  { title: 'allowed', align: 'right' },
  { title: 'source', align: 'left' },
]

const LOG_LINES = 10

const drawCheck = (check: Check, style: Style): string[] => {
  const { name, unit, expected, result, within, source } = check
  const relative = check.relative_tolerance !== undefined && expected !== 0
  const decimals = countDecimals(Math.abs(expected) || allowedDeviation(check) * 10)
  const difference = (result ?? Number.NaN) - expected
  const deviation = relative
    ? formatPercent(difference / Math.abs(expected))
    : formatNumber(difference, decimals)
  const allowed = relative
    ? `±${formatBrief((check.relative_tolerance ?? 0) * 100)} %`
    : `±${formatBrief(allowedDeviation(check))}`
  return [
    within ? style.good('✔') : style.bad('✘'),
    name,
    result === undefined ? style.bad('none') : style.strong(formatNumber(result, decimals)),
    formatNumber(expected, decimals),
    unit,
    result === undefined ? '' : within ? deviation : style.bad(deviation),
    style.faint(allowed),
    style.faint(source),
  ]
}

const describeRun = ({ elapsedMs, task }: ExampleReport): string => {
  if (task === undefined) return 'not run'
  const attempt = task.attempts.at(-1)
  const parts = [
    `lane ${task.lane}`,
    task.engine,
    `answered in ${formatSeconds(elapsedMs / 1000)}`,
    typeof attempt?.wall_seconds === 'number' && `ran ${formatSeconds(attempt.wall_seconds)}`,
    typeof attempt?.memory_peak_mb === 'number' && `${formatBrief(attempt.memory_peak_mb)} MB at most`,
  ]
  return parts.filter((part) => typeof part === 'string').join(' · ')
}

const drawFailure = ({ failure, logTail = '' }: ExampleReport, style: Style): string[] => {
  const lines = logTail.trimEnd().split('\n').slice(-LOG_LINES)
  return [
    `  ${style.bad('✘')} ${failure}`,
    ...lines.filter(Boolean).map((line) => `    ${style.faint(line)}`),
  ]
}

const drawArtifacts = ({ artifacts }: ExampleReport, style: Style): string[] => {
  const [first] = artifacts
  if (first === undefined) return []
  const files = artifacts.map(
    ({ name, sizeBytes, asExpected }) =>
      `${asExpected ? style.good('✔') : style.bad('✘')} ${basename(name)} (${formatBytes(sizeBytes)})`,
  )
  return [`  ${files.join('  ')}  ${style.faint(`in ${dirname(first.path)}`)}`]
}

/** One example's results in lines: title, table of quantities, files. */
export const drawReport = (report: ExampleReport, style: Style): string[] => {
  const heading = [style.strong(report.title), `  ${style.faint(describeRun(report))}`]
  if (report.failure !== undefined) return [...heading, ...drawFailure(report, style)]
  const [titles = '', ...rows] = drawTable(
    COLUMNS,
    report.checks.map((check) => drawCheck(check, style)),
  )
  return [
    ...heading,
    `  ${style.faint(titles)}`,
    ...rows.map((row) => `  ${row}`),
    ...drawArtifacts(report, style),
  ]
}

/** The last line: how many values and how many calculations are within tolerance. */
export const drawSummary = (reports: readonly ExampleReport[], style: Style): string => {
  const checks = reports.flatMap(({ checks }) => checks)
  const within = checks.filter((check) => check.within).length
  const passed = reports.filter((report) => report.passed).length
  const text = `${passed} of ${reports.length} calculations as expected, ${within} of ${checks.length} values within tolerance`
  return passed === reports.length ? style.good(`✔ ${text}`) : style.bad(`✘ ${text}`)
}
