import type { CgroupLimits } from './cgroup.ts'
import type { Cgroups } from './cgroups.ts'
import type { Launched } from './engine.ts'
import { launchInCgroup } from './launch-in-cgroup.ts'

/** Reads the head of its command from its first line of input; the tail it was born with. */
const AWAIT_COMMAND = `N='\n'; IFS= read -r line || exit; eval "exec $line" '"$@"'`
/** Making one holds this process up for milliseconds, which the sandbox just started needs more. */
const REFILL_AFTER_MS = 50

const quote = (argument: string): string =>
  `'${argument.replaceAll("'", `'\\''`).replaceAll('\n', `'"$N"'`)}'`

/**
 * Shells that stand ready, each in a cgroup of its own, to become a sandbox. To start a process and to move it into a
 * cgroup takes as long as all else that makes a sandbox: the kernel waits until every processor has noticed.
 */
export class Doormen {
  readonly #cgroups: Cgroups
  readonly #tail: readonly string[]
  readonly #spare: number
  readonly #ready = new Set<Launched>()
  readonly #ending = new Set<Promise<void>>()
  #made = 0
  #refill: NodeJS.Timeout | undefined
  #closed = false

  /** `tail`: the last arguments of every command. */
  constructor(cgroups: Cgroups, tail: readonly string[], spare = 2) {
    this.#cgroups = cgroups
    this.#tail = tail
    this.#spare = spare
  }

  /** One of them, or one made now, becomes the command, the tail added. */
  become(head: readonly string[], limits: CgroupLimits): Launched {
    const [waiting] = this.#ready
    const doorman = waiting ?? this.#make()
    this.#ready.delete(doorman)
    this.#refillLater()
    try {
      doorman.cgroup.limit(limits)
    } catch (error) {
      this.#dismiss(doorman)
      throw error
    }
    doorman.stdin.write(`${head.map(quote).join(' ')}\n`)
    return doorman
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#refill)
    for (const doorman of this.#ready) this.#dismiss(doorman)
    await Promise.all(this.#ending)
  }

  #make(): Launched {
    const cgroup = this.#cgroups.create(`sandbox-${++this.#made}`)
    try {
      const doorman = launchInCgroup(['/bin/sh', '-c', AWAIT_COMMAND, 'sh', ...this.#tail], cgroup)
      // It may be dead when it is written to: then it ends, and that is what counts.
      doorman.stdin.on('error', () => undefined)
      return doorman
    } catch (error) {
      void cgroup.remove().catch(() => undefined)
      throw error
    }
  }

  #refillLater(): void {
    if (this.#closed || this.#refill !== undefined || this.#ready.size >= this.#spare) return
    this.#refill = setTimeout(() => {
      this.#refill = undefined
      try {
        this.#post(this.#make())
        this.#refillLater()
      } catch {
        // This host has no room for one: whoever needs a sandbox will hear of it.
      }
    }, REFILL_AFTER_MS).unref()
  }

  #post(doorman: Launched): void {
    this.#ready.add(doorman)
    void doorman.exited.then(() => {
      if (this.#ready.has(doorman)) this.#dismiss(doorman)
    })
  }

  #dismiss(doorman: Launched): void {
    this.#ready.delete(doorman)
    const end = async () => {
      doorman.kill()
      for (const stream of [doorman.stdin, doorman.stdout, doorman.stderr]) stream.destroy()
      await doorman.exited
      await doorman.cgroup.remove()
    }
    const ending = end().catch(() => undefined)
    this.#ending.add(ending)
    void ending.then(() => this.#ending.delete(ending))
  }
}
