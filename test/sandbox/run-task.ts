import { text } from 'node:stream/consumers'
import { ensureDefaultEnvironment } from '../../shared/environments/index.ts'
import {
  type Limits,
  limitsFor,
  openSandboxes,
  type Progress,
  type RunOutcome,
  type RunSpec,
  type Sandboxes,
  type SandboxesOptions,
} from '../../shared/sandbox/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'

export const environment = await ensureDefaultEnvironment({ dataDir: '.data' })

export const quietLogger = createLogger('test', process.env['LOG'] ?? 'silent')

/** As in production, with modules imported ahead. */
export const openTestSandboxes = (options: Partial<SandboxesOptions> = {}): Promise<Sandboxes> =>
  openSandboxes({ logger: quietLogger, preload: [{ environment, modules: ['numpy'] }], ...options })

export type Task = Partial<Omit<RunSpec, 'limits' | 'files'>> & {
  limits?: Partial<Limits>
  files?: RunSpec['files']
  signal?: AbortSignal
  onLog?: (text: string) => void
  onProgress?: (progress: Progress) => void
}

export type Ran = {
  outcome: RunOutcome
  stdout: string
  stderr: string
  progress: Progress[]
  files: Record<string, string>
  /** The result as JavaScript has it; throws with the outcome when there is none. */
  result: () => Record<string, unknown>
}

/** Runs a task with limits that fit a test, and keeps all it says. */
export const runTask = async (sandboxes: Sandboxes, source: string, task: Task = {}): Promise<Ran> => {
  const { limits, signal, onLog, onProgress, ...spec } = task
  const said = { stdout: '', stderr: '' }
  const progress: Progress[] = []
  const files: Record<string, string> = {}
  const outcome = await sandboxes.run(
    {
      tenantId: 'tenant-a',
      runId: 'run',
      environment,
      limits: limitsFor({ tier: 'nano', wallSeconds: 10, graceSeconds: 1, ...limits }),
      reuse: 'tenant',
      handler: 'main',
      inputs: '{}',
      files: [],
      source,
      ...spec,
    },
    {
      log: (kind, line) => {
        said[kind] += line
        onLog?.(line)
      },
      progress: (step) => {
        progress.push(step)
        onProgress?.(step)
      },
      file: async ({ kind, name }, content) => {
        files[`${kind}:${name}`] = await text(content)
      },
    },
    signal ?? new AbortController().signal,
  )
  const result = () => {
    if (outcome.status !== 'completed') throw new Error(JSON.stringify(outcome, null, 2))
    return JSON.parse(outcome.result) as Record<string, unknown>
  }
  return { outcome, ...said, progress, files, result }
}
