import type { Logger } from '../telemetry/logger.ts'
import type { WarmConfig } from './config.ts'
import type { Sandbox } from './sandbox.ts'

export type BlanksOptions = {
  config: Pick<WarmConfig, 'minBlank' | 'maxBlank'>
  logger: Logger
  start(): Promise<Sandbox>
  end(sandbox: Sandbox): void
  /** Whether one more may wait. */
  hasRoom(): boolean
}

/**
 * The blank sandboxes of one environment: started ahead, nobody's. Whoever finds none makes it keep one more from then
 * on; a while without anybody, one less.
 */
export class Blanks {
  readonly #options: BlanksOptions
  #ready: Sandbox[] = []
  #wanted = 0
  /** What it keeps however long nobody comes; none of an environment that nobody asked to be kept. */
  #least = 0
  #starting: Promise<void> | undefined
  #used = false
  #closed = false

  constructor(options: BlanksOptions) {
    this.#options = options
  }

  get ready(): readonly Sandbox[] {
    return this.#ready
  }

  /** Keeps the configured minimum from now on. */
  keep(): void {
    this.#least = this.#options.config.minBlank
    this.#wanted = Math.max(this.#wanted, this.#least)
    this.#refill()
  }

  take(): Sandbox | undefined {
    this.#used = true
    let sandbox = this.#ready.pop()
    while (sandbox?.sound === false) {
      this.#options.end(sandbox)
      sandbox = this.#ready.pop()
    }
    if (sandbox === undefined) this.#wanted = Math.min(this.#options.config.maxBlank, this.#wanted + 1)
    this.#refill()
    return sandbox
  }

  /** Called every now and then. */
  tidy(): void {
    if (!this.#used && this.#wanted > this.#least) {
      this.#wanted--
      for (const surplus of this.#ready.splice(this.#wanted)) this.#options.end(surplus)
    }
    this.#used = false
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#starting
    for (const sandbox of this.#ready.splice(0)) this.#options.end(sandbox)
  }

  /** Starts what is missing, one at a time: the runs need the processors more. */
  #refill(): void {
    if (this.#closed || this.#starting !== undefined || this.#ready.length >= this.#wanted) return
    if (!this.#options.hasRoom()) return
    this.#starting = this.#startOne().then((started) => {
      this.#starting = undefined
      // After a failure the next claim tries again, and meets the error itself.
      if (started) this.#refill()
    })
  }

  async #startOne(): Promise<boolean> {
    let sandbox: Sandbox | undefined
    try {
      sandbox = await this.#options.start()
      await sandbox.ready()
      this.#ready.push(sandbox)
      return true
    } catch (error) {
      if (sandbox !== undefined) this.#options.end(sandbox)
      if (!this.#closed) this.#options.logger.error({ err: error }, 'a blank sandbox did not start')
      return false
    }
  }
}
