import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from '../database/index.ts'
import { createId } from '../id.ts'
import type { SelfTestReport } from '../sandbox/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { VERSION } from '../version.ts'
import { registerWorker, removeWorker, reportAlive } from './registry.ts'
import type { Registration, SandboxCount } from './worker.ts'

export type KeepRegisteredOptions = Pick<Registration, 'name' | 'kind' | 'slots'> & {
  sql: Sql
  sandboxes: { report: SelfTestReport; count(): SandboxCount }
  logger: Logger
  /** Without a beat for so long it counts as lost; a third of it is the pause between two beats. */
  aliveSeconds: number
}

export type KeptRegistration = {
  id: string
  /** Tells that it takes no new tasks; it stays registered while it ends those in hand. */
  drain(): void
  /** Leaves the registry; when the database is away it is forgotten as a lost worker is. */
  stop(): Promise<void>
}

const STOP_TIMEOUT_MS = 5_000

/** Keeps this process in the registry of workers for as long as it lives. It resolves once the first entry is made. */
export const keepRegistered = async (options: KeepRegisteredOptions): Promise<KeptRegistration> => {
  const { sql, sandboxes, logger, aliveSeconds, name, kind, slots } = options
  const worker = { id: createId(), name, kind, slots, selfTest: sandboxes.report, version: VERSION }
  const stopping = new AbortController()
  let draining = false
  let drained = Promise.resolve()

  const describe = () => {
    const { blank, idle, total } = sandboxes.count()
    return { aliveSeconds, draining, sandboxes: { blank, idle, total } }
  }
  const beat = async () => {
    if ((await reportAlive(sql, worker.id, describe())) || stopping.signal.aborted) return
    logger.warn({ worker: worker.id }, 'was taken for dead; registers again')
    await registerWorker(sql, worker, describe())
  }
  const tell = () =>
    beat().catch((error: unknown) => logger.warn({ error }, 'the registry of workers was not told'))

  await registerWorker(sql, worker, describe())
  const run = async () => {
    while (!stopping.signal.aborted) {
      await delay((aliveSeconds * 1_000) / 3, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      await tell()
    }
  }
  const running = run()

  return {
    id: worker.id,
    drain: () => {
      draining = true
      drained = tell()
    },
    stop: async () => {
      stopping.abort()
      const left = Promise.all([running, drained]).then(() => removeWorker(sql, worker.id))
      await Promise.race([left, delay(STOP_TIMEOUT_MS, undefined, { ref: false })])
    },
  }
}
