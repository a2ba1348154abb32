import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { Environment } from '../environments/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Cgroup } from './cgroup.ts'
import { type OutputFile, parseReport, parseResult, type Report } from './collect.ts'
import type { Engine, Launched } from './engine.ts'
import { harnessArguments, harnessFor, keepHarness } from './harness.ts'
import { createLogRelay } from './logs.ts'
import type { Facts } from './outcome.ts'
import type { RunListener, RunSpec } from './port.ts'
import { parseProgress } from './progress.ts'
import { encodeFrame, type Frame, ProtocolError, RECEIVE, readFrames, SEND } from './protocol.ts'
import { encodeRun } from './run-header.ts'

const START_TIMEOUT_MS = 30_000
const COLLECT_STALL_MS = 30_000
/** How late a sandbox may be in ending a run by itself before it is ended from outside. */
const BACKSTOP_MS = 5_000
const LONGEST_TIMER_MS = 2 ** 31 - 1

export type SandboxOptions = {
  /** Unique on this host. */
  name: string
  engine: Engine
  environment: Environment
  cgroup: Cgroup
  hostUid: number
  /** Modules to import before the first run; the platform vouches for them. */
  preload: readonly string[]
  resultBytes: number
  logger: Logger
  /** Called when nothing of it is left. */
  onEnd(): void
}

/** One sandbox. It serves one run at a time, and no more once anything odd has happened in it. */
export class Sandbox {
  readonly name: string
  readonly environment: Environment
  readonly #options: SandboxOptions
  readonly #process: Launched
  readonly #frames: AsyncGenerator<Frame, void, void>
  #sound = true
  #overdue = false
  #ready: Promise<void> | undefined
  #destroyed: Promise<void> | undefined

  private constructor(options: SandboxOptions, process: Launched) {
    this.name = options.name
    this.environment = options.environment
    this.#options = options
    this.#process = process
    this.#frames = readFrames(process.stdout)
    // A sandbox may die while it is written to; that it answers nothing is what counts.
    process.stdin.on('error', () => undefined)
    process.stderr.on('data', (data: Buffer) =>
      options.logger.warn(
        { sandbox: this.name, stderr: data.toString('utf8', 0, 2_000) },
        'a sandbox complains',
      ),
    )
    void process.exited.then(() => {
      this.#sound = false
    })
  }

  /** Starts one; it may be given a run at once. */
  static async start(options: SandboxOptions): Promise<Sandbox> {
    const { engine, environment, cgroup, hostUid, name } = options
    const command = [environment.python, ...harnessArguments]
    const sandbox = new Sandbox(options, await engine.launch({ name, environment, command, cgroup, hostUid }))
    const config = {
      start: engine.startsAs,
      host_uid: hostUid,
      task_uid: engine.taskUid,
      mounts: environment.mounts.map(({ target }) => target),
      site_packages: environment.sitePackages,
      preload: options.preload,
    }
    await sandbox.#write(harnessFor(environment.id))
    await sandbox.#write(encodeFrame(SEND.config, JSON.stringify(config)))
    return sandbox
  }

  /** Whether it may serve (another) run. */
  get sound(): boolean {
    return this.#sound
  }

  /** What it uses now. */
  memoryMb(): number {
    return this.#options.cgroup.memoryMb()
  }

  /** Resolves once it is up; rejects when it never will be. */
  ready(): Promise<void> {
    this.#ready ??= this.#next(START_TIMEOUT_MS).then(({ kind, payload }) => {
      if (kind !== RECEIVE.ready) throw new ProtocolError(describeFault({ kind, payload }))
      if (payload.length > 0) keepHarness(this.environment.id, payload)
    })
    return this.#ready
  }

  /** Runs a task. Rejects only for what is not the sandbox's: an input that cannot be read, an output not stored. */
  async run(spec: RunSpec, listener: RunListener, signal: AbortSignal): Promise<Facts> {
    const { cgroup, engine } = this.#options
    const { cpu, memoryMb, pids } = spec.limits
    const logs = createLogRelay(listener, spec.limits.logBytes)
    const started = performance.now()
    cgroup.limit({ cpu, memoryMb, pids: pids + engine.ownProcesses })
    cgroup.resetPeak()
    const facts: Facts = { limits: spec.limits, before: cgroup.read(), wallSeconds: 0, stderrTail: '' }
    try {
      await this.#send(spec, signal)
      await this.ready()
      facts.report = await this.#watch(spec, { listener, logs, signal })
      facts.wallSeconds = (performance.now() - started) / 1000
      if (facts.report.succeeded) {
        facts.result = await this.#takeResult(facts.report)
        if ('fault' in facts.result) throw new ProtocolError(facts.result.fault)
        for (const file of facts.report.files) await this.#takeFile(file, listener)
      }
      await this.#expect(RECEIVE.done)
    } catch (error) {
      this.#sound = false
      if (!(error instanceof ProtocolError)) throw error
      facts.fault = error.message
    } finally {
      logs.end()
      facts.stderrTail = logs.stderrTail()
      facts.wallSeconds ||= (performance.now() - started) / 1000
      facts.overdue = this.#overdue
      facts.cancelled = signal.aborted
      facts.after = cgroup.read()
      if (facts.after.oomKills > facts.before.oomKills || facts.report?.ended !== 'exited')
        this.#sound = false
    }
    return facts
  }

  /** Ends it, whatever it is doing, and resolves when nothing of it is left. */
  destroy(): Promise<void> {
    this.#sound = false
    this.#destroyed ??= (async () => {
      const { stdin, stdout, stderr, exited } = this.#process
      this.#process.kill()
      this.#options.cgroup.kill()
      for (const stream of [stdin, stdout, stderr]) stream.destroy()
      await exited
      await this.#options.cgroup.remove()
      this.#options.onEnd()
    })()
    return this.#destroyed
  }

  async #write(data: Uint8Array): Promise<void> {
    const { stdin, exited } = this.#process
    if (!stdin.write(data)) await Promise.race([once(stdin, 'drain').catch(() => undefined), exited])
  }

  async #send(spec: RunSpec, signal: AbortSignal): Promise<void> {
    // Until all is sent a cancellation has nobody to tell: the sandbox goes instead.
    const cancel = () => this.#process.kill()
    signal.addEventListener('abort', cancel)
    try {
      for await (const part of encodeRun(spec, this.#options.resultBytes)) {
        if (signal.aborted) return this.#process.kill()
        await this.#write(part)
      }
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  /** Relays what the run says until it has ended. */
  async #watch(
    { limits }: RunSpec,
    {
      listener,
      logs,
      signal,
    }: { listener: RunListener; logs: ReturnType<typeof createLogRelay>; signal: AbortSignal },
  ): Promise<Report> {
    const graceMs = limits.graceSeconds * 1000 + BACKSTOP_MS
    const deadline = performance.now() + limits.wallSeconds * 1000 + graceMs
    let backstop: NodeJS.Timeout | undefined
    const cancel = () => {
      this.#process.stdin.write(encodeFrame(SEND.cancel))
      backstop = setTimeout(() => this.#process.kill(), graceMs)
    }
    signal.addEventListener('abort', cancel)
    if (signal.aborted) cancel()
    try {
      for (;;) {
        const { kind, payload } = await this.#next(deadline - performance.now())
        if (kind === RECEIVE.stdout) logs.write('stdout', payload)
        else if (kind === RECEIVE.stderr) logs.write('stderr', payload)
        else if (kind === RECEIVE.progress) {
          const progress = parseProgress(payload)
          if (progress !== undefined) listener.progress(progress)
        } else if (kind === RECEIVE.ended) return parseReport(payload, limits, this.#options.resultBytes)
        else throw new ProtocolError(describeFault({ kind, payload }))
      }
    } finally {
      clearTimeout(backstop)
      signal.removeEventListener('abort', cancel)
    }
  }

  async #takeResult({ resultBytes }: Report): Promise<ReturnType<typeof parseResult>> {
    const parts: Buffer[] = []
    for await (const part of this.#contents(resultBytes)) parts.push(part)
    return parseResult(Buffer.concat(parts))
  }

  async #takeFile(file: OutputFile, listener: RunListener): Promise<void> {
    const contents = this.#contents(file.sizeBytes)
    let violation: unknown
    const watched = (async function* () {
      try {
        yield* contents
      } catch (error) {
        violation = error
        throw error
      }
    })()
    try {
      await listener.file(file, Readable.from(watched, { objectMode: false }))
    } catch (error) {
      throw violation ?? error
    }
    // Whoever reads a file half still gets the next one whole.
    for await (const _ of contents);
  }

  async *#contents(sizeBytes: number): AsyncGenerator<Buffer, void, void> {
    for (let left = sizeBytes; left > 0; ) {
      const payload = await this.#expect(RECEIVE.content)
      if (payload.length === 0 || payload.length > left) throw new ProtocolError('contents of another size')
      left -= payload.length
      yield payload
    }
  }

  async #expect(kind: number): Promise<Buffer> {
    const frame = await this.#next(COLLECT_STALL_MS)
    if (frame.kind !== kind) throw new ProtocolError(describeFault(frame))
    return frame.payload
  }

  /** The next frame; the sandbox is ended when it takes longer than this. */
  async #next(withinMs: number): Promise<Frame> {
    const end = () => {
      this.#overdue = true
      this.#process.kill()
    }
    const timer = setTimeout(end, Math.min(Math.max(withinMs, 0), LONGEST_TIMER_MS))
    try {
      const next = await this.#frames.next()
      if (next.done) throw new ProtocolError('the sandbox ended')
      return next.value
    } finally {
      clearTimeout(timer)
    }
  }
}

const describeFault = ({ kind, payload }: Frame): string =>
  kind === RECEIVE.fault ? payload.toString('utf8', 0, 500) : `an unexpected frame of kind ${kind}`
