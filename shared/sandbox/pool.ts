import type { Environment } from '../environments/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { WarmConfig } from './config.ts'
import type { Sandbox } from './sandbox.ts'

/** How long a blank sandbox may wait unused before one less is kept. */
const SHRINK_AFTER_MS = 30_000

export type PoolOptions = {
  config: WarmConfig
  logger: Logger
  /** Starts a blank sandbox. */
  start(environment: Environment): Promise<Sandbox>
}

export type Claim = { tenantId: string; environment: Environment; reuse: 'tenant' | 'never' }

type Idle = { sandbox: Sandbox; owner: string; runs: number; since: number; expiry: NodeJS.Timeout }
type Shelf = {
  environment: Environment
  ready: Sandbox[]
  starting: number
  wanted: number
  lastUsed: number
}

const ownerOf = ({ tenantId, environment }: Claim): string => `${environment.id} ${tenantId}`

/**
 * Sandboxes that wait: blank ones, started ahead and nobody's, and those that a tenant's last run left. A blank one
 * becomes a tenant's by its first run and is never anybody else's again.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #shelves = new Map<string, Shelf>()
  readonly #idle = new Set<Idle>()
  readonly #runs = new WeakMap<Sandbox, number>()
  readonly #all = new Set<Sandbox>()
  readonly #ending = new Set<Promise<void>>()
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Keeps blank sandboxes of this environment from now on. */
  keep(environment: Environment): void {
    this.#shelf(environment).wanted = this.#options.config.minBlank
    this.#refill(this.#shelf(environment))
  }

  /** A sandbox for one run: the tenant's own, a blank one, or one started now. */
  async claim(claim: Claim): Promise<Sandbox> {
    const own = claim.reuse === 'tenant' ? this.#takeIdle(ownerOf(claim)) : undefined
    return own ?? this.#takeBlank(claim.environment) ?? (await this.#start(claim.environment))
  }

  /** Gives a sandbox back after its run; it waits for the tenant's next one or ends. */
  release(sandbox: Sandbox, claim: Claim): void {
    const { maxRuns, idleSeconds } = this.#options.config
    const runs = (this.#runs.get(sandbox) ?? 0) + 1
    this.#runs.set(sandbox, runs)
    if (this.#closed || !sandbox.sound || claim.reuse === 'never' || runs >= maxRuns)
      return void this.#end(sandbox)
    const idle: Idle = {
      sandbox,
      owner: ownerOf(claim),
      runs,
      since: performance.now(),
      expiry: setTimeout(() => this.#dismiss(idle), idleSeconds * 1000),
    }
    idle.expiry.unref()
    this.#idle.add(idle)
    this.#makeRoom()
  }

  /** Sandboxes alive now, for metrics. */
  count(): { blank: number; idle: number; total: number } {
    const blank = [...this.#shelves.values()].reduce((sum, { ready }) => sum + ready.length, 0)
    return { blank, idle: this.#idle.size, total: this.#all.size }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { expiry } of this.#idle) clearTimeout(expiry)
    for (const sandbox of this.#all) this.#end(sandbox)
    while (this.#ending.size > 0) await Promise.allSettled(this.#ending)
  }

  #shelf(environment: Environment): Shelf {
    let shelf = this.#shelves.get(environment.id)
    if (shelf === undefined) {
      shelf = { environment, ready: [], starting: 0, wanted: 0, lastUsed: performance.now() }
      this.#shelves.set(environment.id, shelf)
    }
    return shelf
  }

  #takeIdle(owner: string): Sandbox | undefined {
    // The one used last is the likeliest to be in the caches; the others may time out.
    for (const idle of [...this.#idle].reverse()) {
      if (idle.owner !== owner) continue
      this.#idle.delete(idle)
      clearTimeout(idle.expiry)
      if (idle.sandbox.sound) return idle.sandbox
      this.#end(idle.sandbox)
    }
    return undefined
  }

  #takeBlank(environment: Environment): Sandbox | undefined {
    const { minBlank, maxBlank } = this.#options.config
    const shelf = this.#shelf(environment)
    const now = performance.now()
    if (now - shelf.lastUsed > SHRINK_AFTER_MS) shelf.wanted = Math.max(minBlank, shelf.wanted - 1)
    shelf.lastUsed = now
    let blank = shelf.ready.pop()
    while (blank !== undefined && !blank.sound) {
      this.#end(blank)
      blank = shelf.ready.pop()
    }
    if (blank === undefined) shelf.wanted = Math.min(maxBlank, shelf.wanted + 1)
    this.#refill(shelf)
    return blank
  }

  /** Starts what is missing, one at a time: the runs need the processors more. */
  #refill(shelf: Shelf): void {
    if (this.#closed || shelf.starting > 0 || shelf.ready.length >= shelf.wanted) return
    shelf.starting++
    void this.#start(shelf.environment)
      .then(async (sandbox) => {
        await sandbox.ready()
        shelf.ready.push(sandbox)
        this.#makeRoom()
      })
      .then(
        () => {
          shelf.starting--
          this.#refill(shelf)
        },
        (error: unknown) => {
          // The next claim tries again, and meets the error itself.
          shelf.starting--
          if (!this.#closed) this.#options.logger.error({ err: error }, 'a blank sandbox did not start')
        },
      )
  }

  async #start(environment: Environment): Promise<Sandbox> {
    const sandbox = await this.#options.start(environment)
    this.#all.add(sandbox)
    if (this.#closed) this.#end(sandbox)
    return sandbox
  }

  /** Idle sandboxes go, the oldest first, until count and memory are within bounds; blank ones after them. */
  #makeRoom(): void {
    const { maxIdle, maxIdleMemoryMb } = this.#options.config
    const blanks = [...this.#shelves.values()].flatMap(({ ready }) => ready)
    let count = blanks.length + this.#idle.size
    let memoryMb = [...this.#idle, ...blanks.map((sandbox) => ({ sandbox }))].reduce(
      (sum, { sandbox }) => sum + sandbox.memoryMb(),
      0,
    )
    for (const idle of this.#idle) {
      if (count <= maxIdle && memoryMb <= maxIdleMemoryMb) return
      count--
      memoryMb -= idle.sandbox.memoryMb()
      this.#dismiss(idle)
    }
  }

  #dismiss(idle: Idle): void {
    clearTimeout(idle.expiry)
    if (this.#idle.delete(idle)) this.#end(idle.sandbox)
  }

  #end(sandbox: Sandbox): void {
    const ending = sandbox.destroy().then(
      () => undefined,
      (error: unknown) =>
        this.#options.logger.error({ err: error, sandbox: sandbox.name }, 'a sandbox left something behind'),
    )
    this.#all.delete(sandbox)
    this.#ending.add(ending)
    void ending.then(() => this.#ending.delete(ending))
  }
}
