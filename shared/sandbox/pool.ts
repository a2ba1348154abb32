import type { Environment } from '../environments/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { Blanks } from './blanks.ts'
import type { WarmConfig } from './config.ts'
import type { Sandbox } from './sandbox.ts'

const TIDY_INTERVAL_MS = 30_000

export type PoolOptions = {
  config: WarmConfig
  logger: Logger
  /** Starts a blank sandbox. */
  start(environment: Environment): Promise<Sandbox>
}

export type Claim = { tenantId: string; environment: Environment; reuse: 'tenant' | 'never' }

type Idle = { sandbox: Sandbox; owner: string; expiry: NodeJS.Timeout }

const ownerOf = ({ tenantId, environment }: Claim): string => `${environment.id} ${tenantId}`

/**
 * Sandboxes that wait: blank ones, started ahead and nobody's, and those that a tenant's last run left. A blank one
 * becomes a tenant's by its first run and is never anybody else's again.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #blanks = new Map<string, Blanks>()
  /** In the order in which they fell idle. */
  readonly #idle = new Set<Idle>()
  readonly #runs = new WeakMap<Sandbox, number>()
  readonly #all = new Set<Sandbox>()
  readonly #ending = new Set<Promise<void>>()
  readonly #tidying: NodeJS.Timeout
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.#tidying = setInterval(() => {
      for (const blanks of this.#blanks.values()) blanks.tidy()
    }, TIDY_INTERVAL_MS)
    this.#tidying.unref()
  }

  /** Keeps blank sandboxes of this environment from now on. */
  keep(environment: Environment): void {
    this.#blanksOf(environment).keep()
  }

  /** A sandbox for one run: the tenant's own, a blank one, or one started now. */
  async claim(claim: Claim): Promise<Sandbox> {
    const own = claim.reuse === 'tenant' ? this.#takeIdle(ownerOf(claim)) : undefined
    return own ?? this.#blanksOf(claim.environment).take() ?? (await this.#start(claim.environment))
  }

  /** Gives a sandbox back after its run; it waits for the tenant's next one or ends. */
  release(sandbox: Sandbox, claim: Claim): void {
    const { maxRuns, idleSeconds } = this.#options.config
    const runs = (this.#runs.get(sandbox) ?? 0) + 1
    this.#runs.set(sandbox, runs)
    if (this.#closed || !sandbox.sound || claim.reuse === 'never' || runs >= maxRuns) {
      this.#end(sandbox)
      return
    }
    const expiry = setTimeout(() => this.#dismiss(idle), idleSeconds * 1000)
    expiry.unref()
    const idle: Idle = { sandbox, owner: ownerOf(claim), expiry }
    this.#idle.add(idle)
    this.#makeRoom()
  }

  /** Sandboxes alive now, for metrics. */
  count(): { blank: number; idle: number; total: number; idleMemoryMb: number } {
    const idleMemoryMb = [...this.#idle].reduce((sum, { sandbox }) => sum + sandbox.memoryMb(), 0)
    return { blank: this.#listBlank().length, idle: this.#idle.size, total: this.#all.size, idleMemoryMb }
  }

  /** Ends every sandbox; whoever is still claiming one gets it dead. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#tidying)
    await Promise.all([...this.#blanks.values()].map((blanks) => blanks.close()))
    for (const idle of this.#idle) this.#dismiss(idle)
    for (const sandbox of this.#all) this.#end(sandbox)
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }

  #blanksOf(environment: Environment): Blanks {
    let blanks = this.#blanks.get(environment.id)
    if (blanks === undefined) {
      const { config, logger } = this.#options
      blanks = new Blanks({
        config,
        logger,
        start: () => this.#start(environment),
        end: (sandbox) => this.#end(sandbox),
        hasRoom: () => this.#listWaiting().length < config.maxIdle,
      })
      this.#blanks.set(environment.id, blanks)
    }
    return blanks
  }

  #takeIdle(owner: string): Sandbox | undefined {
    // The one used last is the likeliest to be in the processor's caches; the others may expire.
    for (const idle of [...this.#idle].reverse()) {
      if (idle.owner !== owner) continue
      this.#idle.delete(idle)
      clearTimeout(idle.expiry)
      if (idle.sandbox.sound) return idle.sandbox
      this.#end(idle.sandbox)
    }
    return undefined
  }

  async #start(environment: Environment): Promise<Sandbox> {
    const sandbox = await this.#options.start(environment)
    this.#all.add(sandbox)
    if (this.#closed) this.#end(sandbox)
    return sandbox
  }

  #listBlank(): Sandbox[] {
    return [...this.#blanks.values()].flatMap(({ ready }) => ready)
  }

  #listWaiting(): Sandbox[] {
    return [...this.#listBlank(), ...[...this.#idle].map(({ sandbox }) => sandbox)]
  }

  /** Tenants' idle sandboxes go, the oldest first, until number and memory are within bounds. */
  #makeRoom(): void {
    const { maxIdle, maxIdleMemoryMb } = this.#options.config
    const waiting = this.#listWaiting()
    let count = waiting.length
    let memoryMb = waiting.reduce((sum, sandbox) => sum + sandbox.memoryMb(), 0)
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
    this.#all.delete(sandbox)
    const ending = sandbox.destroy().catch((error: unknown) => {
      this.#options.logger.error({ err: error, sandbox: sandbox.name }, 'a sandbox left something behind')
    })
    this.#ending.add(ending)
    void ending.then(() => this.#ending.delete(ending))
  }
}
