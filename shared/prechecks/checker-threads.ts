import { Worker } from 'node:worker_threads'
import { PlatformError } from '../errors.ts'
import type { PrechecksConfig } from './config.ts'
import type { Finding } from './finding.ts'
import type { Job } from './worker.ts'

export type ThreadOptions = Pick<
  PrechecksConfig,
  'threads' | 'fileTimeoutMs' | 'threadMemoryMb' | 'threadStackMb' | 'maxWaiting'
>

/** What came of a file: its findings, or how its thread ended. */
export type CheckResult = Finding[] | 'timeout' | 'crash'

type Task = { job: Job; settle: (result: CheckResult) => void; fail: (error: PlatformError) => void }

const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './prechecks-worker.mjs',
  import.meta.url,
)

const LARGE_SOURCE_CHARACTERS = 65_536

/** A fixed number of threads that check a file at a time, each replaced when a file was too much for it. */
export class CheckerThreads {
  readonly #options: ThreadOptions
  readonly #waiting: Task[] = []
  readonly #threads = new Set<Worker>()
  readonly #idle: Worker[] = []
  /** Why no source is checked any more. */
  #closed: PlatformError | undefined

  constructor(options: ThreadOptions) {
    this.#options = options
    this.#start()
  }

  /** @throws {PlatformError} `UNAVAILABLE` when too many wait, or once it is closed */
  async check(job: Job): Promise<CheckResult> {
    if (this.#closed !== undefined) throw this.#closed
    if (this.#waiting.length >= this.#options.maxWaiting) {
      throw new PlatformError('UNAVAILABLE', 'Too many sources wait for their checks.', {
        retryAfterSeconds: 1,
      })
    }
    return new Promise((settle, fail) => {
      this.#waiting.push({ job, settle, fail })
      if (this.#idle.length === 0 && this.#threads.size < this.#options.threads) this.#start()
      this.#next()
    })
  }

  async close(reason = 'The checks of sources are shut down.'): Promise<void> {
    this.#closed ??= new PlatformError('UNAVAILABLE', reason)
    for (const { fail } of this.#waiting.splice(0)) fail(this.#closed)
    await Promise.all([...this.#threads].map((thread) => thread.terminate()))
  }

  #start() {
    const { threadMemoryMb, threadStackMb } = this.#options
    const resourceLimits = { maxOldGenerationSizeMb: threadMemoryMb, stackSizeMb: threadStackMb }
    const thread = new Worker(WORKER, { resourceLimits, env: {} })
    let failure: unknown = 'it ended before its first source'
    this.#threads.add(thread)
    thread.on('error', (error) => {
      failure = error
    })
    thread.once('exit', () => this.#forget(thread))
    const startFailed = () => void this.close(`The checks of sources cannot start: ${failure}.`)
    thread.once('exit', startFailed)
    // Its first word is that it is ready; what it says after that answers a task.
    thread.once('message', () => {
      thread.off('exit', startFailed)
      thread.once('exit', () => this.#replace())
      this.#release(thread)
    })
  }

  #replace() {
    if (this.#closed === undefined && (this.#threads.size === 0 || this.#waiting.length > 0)) this.#start()
  }

  #forget(thread: Worker) {
    this.#threads.delete(thread)
    const index = this.#idle.indexOf(thread)
    if (index >= 0) this.#idle.splice(index, 1)
  }

  #release(thread: Worker) {
    this.#idle.push(thread)
    this.#next()
  }

  #next() {
    if (this.#waiting.length === 0) return
    const thread = this.#idle.pop()
    if (thread === undefined) return
    const task = this.#waiting.shift()
    if (task !== undefined) this.#give(thread, task)
  }

  #give(thread: Worker, { job, settle, fail }: Task) {
    let ending: CheckResult = 'crash'
    const timer = setTimeout(() => {
      ending = 'timeout'
      void thread.terminate()
    }, this.#options.fileTimeoutMs)
    const end = () => {
      clearTimeout(timer)
      if (this.#closed === undefined) settle(ending)
      else fail(this.#closed)
    }
    thread.once('exit', end)
    thread.once('message', (findings: Finding[]) => {
      if (ending === 'timeout') return
      thread.off('exit', end)
      clearTimeout(timer)
      settle(findings)
      // Ruff's memory grows with a source and never shrinks again.
      if (job.file.source.length > LARGE_SOURCE_CHARACTERS) void thread.terminate()
      else this.#release(thread)
    })
    thread.postMessage(job)
  }
}
