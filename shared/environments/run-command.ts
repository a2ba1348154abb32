import { type ExecFileException, execFile } from 'node:child_process'

export type CommandOptions = { timeoutMs: number; env?: NodeJS.ProcessEnv; signal?: AbortSignal | undefined }

const MAX_OUTPUT_BYTES = 33_554_432

/** A command that failed, with what it said. What it was told is left out: an index's address may hold a password. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly output: string
  readonly timedOut: boolean
  /** There is no such program. */
  readonly missing: boolean

  constructor(command: string, output: string, failure: ExecFileException) {
    super(`${command} failed: ${output.trim().split('\n').at(-1) || failure.code}`)
    this.output = output
    this.timedOut = failure.killed === true
    this.missing = failure.code === 'ENOENT'
  }
}

/** Runs a program to its end and returns what it printed; no shell, and never without a time limit. */
export const runCommand = (file: string, args: readonly string[], options: CommandOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    const { timeoutMs, ...rest } = options
    const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES } as const
    execFile(file, [...args], { cwd: '/', ...rest, ...limits }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new CommandError(file, `${stdout}\n${stderr}`, error))
    })
  })
