import type { Environment } from '../environments/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { openCgroups } from './cgroups.ts'
import { type SandboxConfig, sandboxConfigSchema } from './config.ts'
import { chooseEngine } from './engines.ts'
import { decideOutcome } from './outcome.ts'
import { Pool } from './pool.ts'
import type { RunListener, RunOutcome, RunSpec, Sandboxes } from './port.ts'
import { findFault } from './run-header.ts'
import { Sandbox } from './sandbox.ts'
import { limitsSchema } from './tiers.ts'

export type SandboxesOptions = {
  config?: Partial<SandboxConfig>
  /**
   * Environments that the platform vouches for: blank sandboxes of these are started ahead, with these modules imported.
   * Any other is started when it is asked for, and imports nothing before the task does.
   */
  preload?: readonly { environment: Environment; modules: readonly string[] }[]
  /** Where commands are looked for, as in `PATH`. */
  searchPath?: string
  logger: Logger
}

const MEBIBYTE = 1024 * 1024
/** What a sandbox may use while it is nobody's. */
const BLANK_LIMITS = { cpu: 1, memoryMb: 512, pids: 64 }
const STANDARD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const createUids = ({ first, count }: SandboxConfig['hostUids']) => {
  const free = Array.from({ length: count / 2 }, (_, index) => first + 2 * index)
  return {
    take: () => {
      // The longest unused first: what a dying sandbox still holds is not another's.
      const uid = free.shift()
      if (uid === undefined) throw new Error('every host uid of the range is in use')
      return uid
    },
    giveBack: (uid: number) => void free.push(uid),
  }
}

const NOTHING_USED = { wallSeconds: 0, cpuSeconds: 0, memoryPeakMb: 0 }

/**
 * Finds an engine, proves that it holds, and keeps sandboxes ready.
 *
 * @example
 * const sandboxes = await openSandboxes({ logger, preload: [{ environment, modules: ['numpy'] }] })
 * const outcome = await sandboxes.run(spec, listener, signal)
 * @throws {PlatformError} `MISCONFIGURED` when this host offers nothing that reaches the floor: what, and what to install
 */
export const openSandboxes = async ({
  config: written = {},
  preload = [],
  searchPath = STANDARD_PATH,
  logger,
}: SandboxesOptions): Promise<Sandboxes> => {
  const config = sandboxConfigSchema.parse(written)
  const engine = await chooseEngine(config, searchPath)
  const cgroups = openCgroups()
  const uids = createUids(config.hostUids)
  const modulesOf = new Map(preload.map(({ environment, modules }) => [environment.id, modules]))
  let started = 0

  const start = async (environment: Environment): Promise<Sandbox> => {
    const name = `sandbox-${++started}`
    const cgroup = cgroups.create(name)
    cgroup.limit({ ...BLANK_LIMITS, pids: BLANK_LIMITS.pids + engine.ownProcesses })
    const hostUid = uids.take()
    return Sandbox.start({
      name,
      engine,
      environment,
      cgroup,
      preload: modulesOf.get(environment.id) ?? [],
      hostUid,
      resultBytes: config.resultMb * MEBIBYTE,
      logger,
      onEnd: () => uids.giveBack(hostUid),
    })
  }

  const pool = new Pool({ config: config.warm, logger, start })
  const running = new Set<Promise<unknown>>()
  const closing = new AbortController()
  for (const { environment } of preload) pool.keep(environment)

  const run = async (spec: RunSpec, listener: RunListener, signal: AbortSignal): Promise<RunOutcome> => {
    limitsSchema.parse(spec.limits)
    const fault = findFault(spec)
    if (fault !== undefined)
      return { status: 'failed', failureCode: 'user_error', message: fault, usage: NOTHING_USED }
    const either = AbortSignal.any([signal, closing.signal])
    if (either.aborted) return { status: 'cancelled', usage: NOTHING_USED }
    const sandbox = await pool.claim(spec)
    try {
      const facts = await sandbox.run(spec, listener, either)
      if (facts.fault !== undefined)
        logger.warn({ run: spec.runId, sandbox: sandbox.name, fault: facts.fault }, 'a sandbox failed')
      return decideOutcome(facts)
    } finally {
      pool.release(sandbox, spec)
    }
  }

  return {
    engine: engine.name,
    level: engine.level,
    run: (spec, listener, signal) => {
      const outcome = run(spec, listener, signal)
      const settled = outcome.catch(() => undefined).finally(() => running.delete(settled))
      running.add(settled)
      return outcome
    },
    close: async () => {
      closing.abort()
      await Promise.all(running)
      await pool.close()
      await engine.close()
      await cgroups.close()
    },
  }
}
