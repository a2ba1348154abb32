import { once } from 'node:events'
import type { Environment } from '../environments/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CgroupCounters, CgroupLimits } from './cgroup.ts'
import { parseReport, parseResult, type Report } from './collect.ts'
import { Contents } from './contents.ts'
import type { Engine, Launched } from './engine.ts'
import { harnessFor, keepHarness } from './harness.ts'
import type { Facts } from './outcome.ts'
import type { Limits, RunListener, RunSpec } from './port.ts'
import { encodeFrame, type Frame, ProtocolError, RECEIVE, readFrames, SEND } from './protocol.ts'
import { createRelay, type Relay } from './relay.ts'
import { encodeRun } from './run-header.ts'

const START_TIMEOUT_MS = 30_000
const COLLECT_STALL_MS = 30_000
/** How late a sandbox may be in ending a run by itself before it is ended from outside. */
const BACKSTOP_MS = 5_000
const MAX_COMPLAINT = 2_000
const MAX_COMPLAINTS = 20
const LONGEST_TIMER_MS = 2 ** 31 - 1

export type SandboxOptions = {
  /** Unique on this host. */
  name: string
  engine: Engine
  environment: Environment
  hostUid: number
  limits: CgroupLimits
  /** Modules to import before the first run; the platform vouches for them. */
  preload: readonly string[]
  resultBytes: number
  logger: Logger
  /** Called when nothing of it is left. */
  onEnd(): void
}

/** What earlier runs held is not all given back yet, and is more than the next one may have. */
export class StillFull extends Error {}

/** One sandbox. It serves one run at a time, and no more once anything odd has happened in it. */
export class Sandbox {
  readonly name: string
  readonly environment: Environment
  readonly #options: SandboxOptions
  readonly #process: Launched
  readonly #frames: AsyncGenerator<Frame, void, void>
  #sound = true
  #overdue = false
  #blankMb: number | undefined
  #limits = ''
  #counters: CgroupCounters | undefined
  #complaint = ''
  #complaints = 0
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
    process.stderr.on('data', (data: Buffer) => {
      if (++this.#complaints > MAX_COMPLAINTS) return
      this.#complaint = data.toString('utf8', 0, MAX_COMPLAINT).trim()
      options.logger.warn({ sandbox: this.name, stderr: this.#complaint }, 'a sandbox complains')
    })
    const fade = () => {
      this.#sound = false
    }
    process.exited.then(fade, fade)
  }

  /** Starts one; it may be given a run at once. */
  static async start(options: SandboxOptions): Promise<Sandbox> {
    const { engine, environment, hostUid, limits, name } = options
    const sandbox = new Sandbox(options, await engine.launch({ name, environment, hostUid, limits }))
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

  /** What it used when it was last looked at. */
  memoryMb(): number {
    return (this.#counters ?? this.#process.cgroup.read()).memoryMb
  }

  /** Resolves once it is up; rejects when it never will be. */
  ready(): Promise<void> {
    this.#ready ??= this.#next(START_TIMEOUT_MS).then(({ kind, payload }) => {
      if (kind !== RECEIVE.ready) throw new ProtocolError(describeFault({ kind, payload }))
      if (payload.length > 0) keepHarness(this.environment.id, payload)
    })
    return this.#ready
  }

  /**
   * Runs a task. Rejects only for what is not the sandbox's: an input that cannot be read, an output not stored.
   *
   * @throws {StillFull} before anything was sent: another sandbox has to be taken
   */
  async run(spec: RunSpec, listener: RunListener, signal: AbortSignal): Promise<Facts> {
    const { engine } = this.#options
    const { cgroup } = this.#process
    const relay = createRelay(listener, spec.limits.logBytes)
    const started = performance.now()
    const before = { oomKills: 0, pidsRefused: 0, ...this.#counters, ...cgroup.begin() }
    if (this.#blankMb !== undefined && before.memoryMb > spec.limits.memoryMb + engine.ownMemoryMb) {
      // Version 1 would refuse such a limit, version 2 would end somebody for it.
      this.#sound = false
      throw new StillFull()
    }
    this.#blankMb ??= before.memoryMb
    this.#limit(spec.limits)
    const facts: Facts = {
      limits: spec.limits,
      before,
      blankMb: this.#blankMb,
      ownMemoryMb: engine.ownMemoryMb,
      wallSeconds: 0,
      stderrTail: '',
    }
    try {
      await this.#send(spec, signal)
      await this.ready()
      facts.report = await this.#watch(spec, relay, signal)
      facts.wallSeconds = (performance.now() - started) / 1000
      if (facts.report.succeeded) {
        facts.result = parseResult(await this.#contents(facts.report.resultBytes).readWhole())
        if ('fault' in facts.result) throw new ProtocolError(facts.result.fault)
        for (const file of facts.report.files)
          await this.#contents(file.sizeBytes).giveTo((stream) => listener.file(file, stream))
      }
      await this.#expect(RECEIVE.done)
    } catch (error) {
      this.#sound = false
      if (!(error instanceof ProtocolError)) throw error
      facts.fault = this.#complaint === '' ? error.message : `${error.message}: ${this.#complaint}`
    } finally {
      relay.end()
      facts.stderrTail = relay.stderrTail()
      facts.wallSeconds ||= (performance.now() - started) / 1000
      facts.overdue = this.#overdue
      facts.cancelled = signal.aborted
      facts.after = this.#counters = cgroup.read()
      if (facts.after.oomKills > facts.before.oomKills || facts.report?.ended !== 'exited')
        this.#sound = false
    }
    return facts
  }

  /** Ends it, whatever it is doing, and resolves when nothing of it is left. */
  destroy(): Promise<void> {
    this.#sound = false
    this.#destroyed ??= (async () => {
      const { stdin, stdout, stderr, exited, cgroup } = this.#process
      this.#process.kill()
      for (const stream of [stdin, stdout, stderr]) stream.destroy()
      await exited
      await cgroup.remove()
      this.#options.onEnd()
    })()
    return this.#destroyed
  }

  #limit({ cpu, memoryMb, pids }: Limits): void {
    const { engine } = this.#options
    const limits = { cpu, memoryMb: memoryMb + engine.ownMemoryMb, pids: pids + engine.ownProcesses }
    const text = JSON.stringify(limits)
    if (text !== this.#limits) this.#process.cgroup.limit(limits)
    this.#limits = text
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
  async #watch({ limits }: RunSpec, relay: Relay, signal: AbortSignal): Promise<Report> {
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
        const frame = await this.#next(deadline - performance.now())
        if (relay.hear(frame)) continue
        if (frame.kind !== RECEIVE.ended) throw new ProtocolError(describeFault(frame))
        return parseReport(frame.payload, limits, this.#options.resultBytes)
      }
    } finally {
      clearTimeout(backstop)
      signal.removeEventListener('abort', cancel)
    }
  }

  #contents(sizeBytes: number): Contents {
    return new Contents(sizeBytes, () => this.#expect(RECEIVE.content))
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
    // Of a run of many weeks only the last ones are watched from outside; the keeper watches all of them.
    const timer = withinMs > LONGEST_TIMER_MS ? undefined : setTimeout(end, Math.max(withinMs, 0))
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
