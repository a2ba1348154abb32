import type { Readable } from 'node:stream'
import type { Environment } from '../environments/index.ts'

/** How strong the wall is; nothing below `container` is ever used. */
export const SANDBOX_LEVELS = ['container', 'kernel'] as const
export type SandboxLevel = (typeof SANDBOX_LEVELS)[number]

export type Limits = {
  cpu: number
  memoryMb: number
  pids: number
  openFiles: number
  fileSizeMb: number
  scratchMb: number
  outputMb: number
  logBytes: number
  wallSeconds: number
  graceSeconds: number
}

/** Why an attempt failed (design: a task's life). `dependency_failed` and `worker_lost` are never a sandbox's to say. */
export type SandboxFailureCode =
  | 'user_error'
  | 'timeout'
  | 'out_of_memory'
  | 'disk_full'
  | 'output_too_large'
  | 'invalid_output'
  | 'sandbox_error'

export type InputFile = { port: string; extension: string; sizeBytes: number; open(): Promise<Readable> }

export type RunSpec = {
  /** A sandbox that served this tenant never serves another. */
  tenantId: string
  /** Names this run in logs and cgroups: the task and its attempt. */
  runId: string
  environment: Environment
  limits: Limits
  /** `never`: a whole sandbox for this run alone. */
  reuse: 'tenant' | 'never'
  source: string
  /** `function`, or `module:function` where the module is the inline source. */
  handler: string
  /** A JSON object as text; it reaches the sandbox byte for byte. */
  inputs: string
  files: readonly InputFile[]
  /** The file outputs by port; a run that leaves out a required one has failed. */
  fileOutputs?: { required: readonly string[]; optional: readonly string[] }
}

/** A line of `/workspace/out/progress.jsonl`, checked. */
export type Progress = { fraction?: number; message?: string; eta_seconds?: number }

export type RunListener = {
  log(kind: 'stdout' | 'stderr', text: string): void
  progress(progress: Progress): void
  /** Called after the run ended well, a file at a time; the next file waits for the promise. */
  file(
    file: { kind: 'output' | 'artifact'; name: string; sizeBytes: number },
    content: Readable,
  ): Promise<void>
}

export type Usage = { wallSeconds: number; cpuSeconds: number; memoryPeakMb: number }

export type RunOutcome =
  | {
      status: 'completed'
      /** JSON object text, as the harness wrote it. */
      result: string
      usage: Usage
    }
  | {
      status: 'failed'
      failureCode: SandboxFailureCode
      message: string
      /** The error file's JSON text (`{error,type,traceback,ts}`), when the user's code left one. */
      error?: string
      usage: Usage
    }
  | { status: 'cancelled'; usage: Usage }

/** What came of trying to break out when the sandboxes were opened. */
export type SelfTestReport = {
  engine: string
  level: SandboxLevel
  checks: readonly { name: string; held: boolean; detail: string }[]
  durationMs: number
}

export type Sandboxes = {
  readonly engine: string
  readonly level: SandboxLevel
  readonly report: SelfTestReport
  /** Aborting `signal` cancels: SIGTERM, the grace, SIGKILL, for the whole process tree. Never throws for the user's doings. */
  run(spec: RunSpec, listener: RunListener, signal: AbortSignal): Promise<RunOutcome>
  /** Sandboxes alive now: nobody's yet, waiting for their tenant's next run, and all with those at work. */
  count(): { blank: number; idle: number; total: number; idleMemoryMb: number }
  /** Ends every sandbox and leaves nothing behind. */
  close(): Promise<void>
}
