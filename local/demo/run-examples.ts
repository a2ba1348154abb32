import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient, type Task } from './client.ts'
import { type Example, readExamples } from './example.ts'
import { startProgressDisplay } from './progress-display.ts'
import type { ProgressRow } from './progress-row.ts'
import { drawReport, drawSummary, type ExampleReport } from './report.ts'
import { runExample } from './run-example.ts'
import { createStyle, cutToWidth, type Output } from './style.ts'

export type RunExamplesOptions = {
  baseUrl: string
  token: string
  /** Where progress and results are shown; live when it is a terminal. */
  output: Output
  signal: AbortSignal
  examplesDir?: string
  /** Where artifacts are downloaded to, a folder a task. */
  downloadsDir?: string
}

const EXAMPLES_DIR = fileURLToPath(new URL('../../examples/', import.meta.url))
const DOWNLOADS_DIR = join(tmpdir(), 'mecapy-demo')

/**
 * Runs every example at once on the platform that serves at `baseUrl`, shows their progress and then their results,
 * each beside what its source expects. What a report with `passed: false` means is the caller's to say.
 *
 * @example
 * const reports = await runExamples({ baseUrl, token, output: process.stdout, signal })
 * process.exitCode = reports.every(({ passed }) => passed) ? 0 : 1
 */
export const runExamples = async (options: RunExamplesOptions): Promise<ExampleReport[]> => {
  const { baseUrl, token, output, signal, downloadsDir = DOWNLOADS_DIR } = options
  const style = createStyle(output)
  // On a terminal a table that is too wide loses its last column's end, not its shape.
  const columns = (output.isTTY && output.columns) || Number.POSITIVE_INFINITY
  const write = (lines: readonly string[]) =>
    output.write(lines.map((line) => `${cutToWidth(line, columns)}\n`).join(''))
  const client = createClient({ baseUrl, token, signal })
  const examples = await readExamples(options.examplesDir ?? EXAMPLES_DIR)
  const now = Date.now()
  const runs = examples.map((example) => {
    const row: ProgressRow = { name: example.name, sinceMs: now, toldMs: now }
    return { example, row }
  })

  write(['', `${style.strong(`${runs.length} calculations`)} ${style.faint(`on ${baseUrl}`)}`, ''])
  const display = startProgressDisplay(
    runs.map(({ row }) => row),
    output,
  )
  const runShown = async (example: Example, row: ProgressRow): Promise<ExampleReport> => {
    const onTask = (task: Task) => {
      if (JSON.stringify(task.progress) !== JSON.stringify(row.task?.progress)) row.toldMs = Date.now()
      row.task = task
      display.update()
    }
    const report = await runExample(example, { client, downloadsDir, signal, onTask })
    row.endedMs = Date.now()
    if (report.failure !== undefined && report.task === undefined) row.failure = report.failure
    display.update()
    return report
  }
  const reports = await Promise.all(runs.map(({ example, row }) => runShown(example, row))).finally(
    display.stop,
  )
  for (const report of reports) write(['', ...drawReport(report, style)])
  write(['', drawSummary(reports, style)])
  return reports
}
