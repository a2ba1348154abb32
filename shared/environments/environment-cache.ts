import { access, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { measureFolder } from './build-environment.ts'
import { removeFolder } from './build-once.ts'
import type { EnvironmentsConfig } from './config.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { lockFile } from './lock-file.ts'

export type CacheOptions = Pick<EnvironmentsConfig, 'maxCacheMb' | 'keepSeconds'> & { folder: string }

const MEBIBYTE = 1_048_576
const LOCK_TIMEOUT_MS = 10_000
const USED = '.used'
const LEAVING = '.leaving'

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

/**
 * Which environments of a folder are in use, by any process of any container that shares it, and the removal of the others.
 * A use is the time on the file `<id>.used`, renewed while it lasts. A removal announces itself in `<id>.leaving` before it
 * looks at that time, and a user writes the time before it looks for the announcement, so one of them always sees the other.
 */
export class EnvironmentCache {
  readonly #options: CacheOptions
  readonly #held = new Map<string, number>()
  readonly #sizes = new Map<string, number>()
  readonly #renewal: NodeJS.Timeout

  constructor(options: CacheOptions) {
    this.#options = options
    const renew = () => void Promise.allSettled([...this.#held.keys()].map((id) => this.#touch(id)))
    this.#renewal = setInterval(renew, (options.keepSeconds * 1_000) / 4).unref()
  }

  /** Marks an environment as used, whether it exists yet or not. The same number of `release` ends that. */
  async hold(id: string): Promise<void> {
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1)
    await this.#touch(id)
  }

  async release(id: string): Promise<void> {
    const count = this.#held.get(id) ?? 0
    if (count > 1) this.#held.set(id, count - 1)
    else this.#held.delete(id)
    await this.#touch(id)
  }

  /** A held environment, if it is there and stays. */
  async find(id: string): Promise<Environment | undefined> {
    if (await exists(this.#path(id, LEAVING))) return undefined
    return readEnvironment(this.#path(id))
  }

  /** Waits for the end of a removal that was under way when `hold` was called. */
  async waitForRemoval(id: string, python: string): Promise<void> {
    if (!(await exists(this.#path(id, LEAVING)))) return
    const unlock = await lockFile(this.#path(id, '.lock'), python, LOCK_TIMEOUT_MS)
    await rm(this.#path(id, LEAVING), { force: true })
    await unlock()
  }

  /** Removes what is over the limit and not in use; returns the ids of what went. */
  async shrink(python: string): Promise<string[]> {
    const entries = await this.#list()
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0)
    const removed: string[] = []
    for (const { id, bytes } of entries) {
      if (total <= this.#options.maxCacheMb * MEBIBYTE) break
      if (!(await this.#remove(id, python))) continue
      total -= bytes
      removed.push(id)
    }
    return removed
  }

  /** Whether there is no room for one more, even without those that may go. */
  async isFull(): Promise<boolean> {
    const entries = await this.#list()
    return entries.reduce((sum, { bytes }) => sum + bytes, 0) > this.#options.maxCacheMb * MEBIBYTE
  }

  close(): void {
    clearInterval(this.#renewal)
  }

  #path(id: string, suffix = ''): string {
    return join(this.#options.folder, `${id}${suffix}`)
  }

  async #touch(id: string): Promise<void> {
    const now = new Date()
    const path = this.#path(id, USED)
    await utimes(path, now, now).catch(() => writeFile(path, ''))
  }

  async #isUsed(id: string): Promise<boolean> {
    const used = await stat(this.#path(id, USED)).catch(() => undefined)
    return (
      this.#held.has(id) ||
      (used !== undefined && Date.now() - used.mtimeMs < this.#options.keepSeconds * 1_000)
    )
  }

  /** What was built for requirements (the default environment has no mark and never leaves), the longest unused first. */
  async #list(): Promise<{ id: string; bytes: number; usedMs: number }[]> {
    const found: { id: string; bytes: number; usedMs: number }[] = []
    for (const name of await readdir(this.#options.folder)) {
      const id = name.endsWith(USED) ? name.slice(0, -USED.length) : ''
      if (id === '' || !(await exists(this.#path(id)))) continue
      const bytes = this.#sizes.get(id) ?? (await measureFolder(this.#path(id)))
      this.#sizes.set(id, bytes)
      found.push({ id, bytes, usedMs: (await stat(this.#path(id, USED))).mtimeMs })
    }
    return found.sort((a, b) => a.usedMs - b.usedMs)
  }

  async #remove(id: string, python: string): Promise<boolean> {
    if (await this.#isUsed(id)) return false
    const unlock = await lockFile(this.#path(id, '.lock'), python, LOCK_TIMEOUT_MS)
    try {
      await writeFile(this.#path(id, LEAVING), '')
      if (await this.#isUsed(id)) return false
      await removeFolder(this.#path(id))
      await rm(this.#path(id, USED), { force: true })
      return true
    } finally {
      await rm(this.#path(id, LEAVING), { force: true })
      await unlock()
    }
  }
}
