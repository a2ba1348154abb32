import type { Environment } from '../environments/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type Cgroups, openCgroups } from './cgroups.ts'
import { type SandboxConfig, type SandboxConfigInput, sandboxConfigSchema } from './config.ts'
import { chooseEngine } from './engines.ts'
import { decideOutcome } from './outcome.ts'
import { Pool } from './pool.ts'
import type { RunListener, RunSpec, Sandboxes } from './port.ts'
import { findFault } from './run-header.ts'
import { Sandbox, StillFull } from './sandbox.ts'
import { type Attempt, requireHeld, runSelfTest } from './self-test.ts'
import { sweepTemporaryFolders } from './temporary-folder.ts'
import { limitsSchema } from './tiers.ts'

export type Preload = { environment: Environment; modules: readonly string[] }

export type SandboxesOptions = {
  config?: SandboxConfigInput
  /**
   * Environments that the platform vouches for: blank sandboxes of these are started ahead, with these modules imported.
   * Any other is started when it is asked for, and imports nothing before the task does. The self-test runs in the first.
   */
  preload: readonly [Preload, ...Preload[]]
  /** Where commands are looked for, as in `PATH`. */
  searchPath?: string
  /** Where sandboxes are limited and counted; found by itself when left out. */
  cgroups?: () => Promise<Cgroups>
  logger: Logger
}

const MEBIBYTE = 1024 * 1024
/** What a sandbox may use while it is nobody's. */
const BLANK = { cpu: 1, memoryMb: 512, pids: 64 }
const STANDARD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Counts the sandboxes of this process, so that no two bear the same name. */
let started = 0

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

/** What most calculations import, after the environment's own. */
const COMMON_MODULES = ['json', 'traceback', 'pathlib', 'dataclasses', 'typing', 'datetime', 'random', 'csv']

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
  preload,
  searchPath = STANDARD_PATH,
  cgroups = openCgroups,
  logger,
}: SandboxesOptions): Promise<Sandboxes> => {
  const config = sandboxConfigSchema.parse(written)
  const engine = await chooseEngine({ config, searchPath, cgroups })
  await sweepTemporaryFolders()
  const uids = createUids(config.hostUids)
  const modulesOf = new Map(preload.map(({ environment, modules }) => [environment.id, modules]))

  const start = async (environment: Environment): Promise<Sandbox> => {
    const name = `sandbox-${process.pid}-${++started}`
    const hostUid = uids.take()
    const starting = Sandbox.start({
      name,
      engine,
      environment,
      limits: {
        cpu: BLANK.cpu,
        memoryMb: BLANK.memoryMb + engine.ownMemoryMb,
        pids: BLANK.pids + engine.ownProcesses,
      },
      preload: [...(modulesOf.get(environment.id) ?? []), ...COMMON_MODULES],
      hostUid,
      resultBytes: config.resultMb * MEBIBYTE,
      logger,
      onEnd: () => uids.giveBack(hostUid),
    })
    return starting.catch((error: unknown) => {
      uids.giveBack(hostUid)
      throw error
    })
  }

  const pool = new Pool({ config: config.warm, logger, start })
  const underWay = new Set<Promise<Attempt>>()
  const closing = new AbortController()

  const attempt = async (spec: RunSpec, listener: RunListener, signal: AbortSignal): Promise<Attempt> => {
    limitsSchema.parse(spec.limits)
    const fault = findFault(spec)
    if (fault !== undefined)
      return { outcome: { status: 'failed', failureCode: 'user_error', message: fault, usage: NOTHING_USED } }
    const either = AbortSignal.any([signal, closing.signal])
    if (either.aborted) return { outcome: { status: 'cancelled', usage: NOTHING_USED } }
    const runInOne = async (claim: RunSpec): Promise<Attempt> => {
      const sandbox = await pool.claim(claim)
      try {
        const facts = await sandbox.run(claim, listener, either)
        const outcome = decideOutcome(facts)
        if (facts.fault === undefined) return { outcome }
        logger.warn({ run: claim.runId, sandbox: sandbox.name, fault: facts.fault }, 'a sandbox failed')
        return { outcome, fault: facts.fault }
      } finally {
        pool.release(sandbox, claim)
      }
    }
    return await runInOne(spec).catch((error: unknown) => {
      if (!(error instanceof StillFull)) throw error
      return runInOne({ ...spec, reuse: 'never' })
    })
  }

  const run: Sandboxes['run'] = async (spec, listener, signal) => {
    const running = attempt(spec, listener, signal)
    underWay.add(running)
    try {
      return (await running).outcome
    } finally {
      underWay.delete(running)
    }
  }

  const close = async () => {
    closing.abort()
    await Promise.allSettled(underWay)
    await pool.close()
    await engine.close()
  }

  try {
    const { name, level } = engine
    const report = await runSelfTest({ engine: name, level, environment: preload[0].environment, attempt })
    requireHeld(report)
    logger.info(
      { selfTestMs: Math.round(report.durationMs) },
      `the ${name} sandbox held in ${report.checks.length} tries to break out`,
    )
    for (const { environment } of preload) pool.keep(environment)
    return { engine: name, level, report, run, count: () => pool.count(), close }
  } catch (error) {
    await close()
    throw error
  }
}
