import { createHash } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { PlatformError } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { buildEnvironment, measureFolder } from './build-environment.ts'
import { type BuildSandbox, runPip } from './build-sandbox.ts'
import { type EnvironmentsConfig, environmentsConfigSchema } from './config.ts'
import { copyInterpreter } from './copy-interpreter.ts'
import { ensureDefaultEnvironment } from './default.ts'
import type { Environment } from './environment.ts'
import { EnvironmentCache } from './environment-cache.ts'
import { findInterpreter } from './find-interpreter.ts'
import { lockRequirements } from './lock-requirements.ts'
import { type PackageIndex, readPackageIndex } from './package-index.ts'
import { formatRequirement, isLocked, parseRequirements } from './requirements.ts'

export type EnvironmentsOptions = {
  /** The same folder as of the default environment: they share interpreters. */
  dataDir: string
  /** A command or path; the first fitting Python 3 on the PATH when left out. */
  python?: string
  /** Where packages come from: an index, or its address; pip's own configuration when both are left out. */
  index?: PackageIndex
  indexUrl?: string
  config?: Partial<EnvironmentsConfig>
  logger?: Logger
}

/** An environment that stays in place until it is released. */
export type HeldEnvironment = { environment: Environment; release(): Promise<void> }

export type Environments = {
  /** Resolves requirement lines to lines with one version and its hashes each: what a published version keeps. */
  lock(requirements: readonly string[], signal?: AbortSignal): Promise<readonly string[]>
  /**
   * The environment of these requirements, built when nobody did yet; of none, the default one. Lines without hashes are
   * locked first. Aborting `signal` ends a build that this call began, unless another one waits for it.
   */
  acquire(requirements: readonly string[], signal?: AbortSignal): Promise<HeldEnvironment>
  close(): void
}

const FORMAT = 1
const FULL_RETRY_SECONDS = 60

const sha256 = (...parts: string[]) => createHash('sha256').update(parts.join('\n')).digest('hex')

/** Calls `find` once it succeeded; a failure is tried again by the next caller. */
const once = <T>(find: () => Promise<T>): (() => Promise<T>) => {
  let found: Promise<T> | undefined
  return () => {
    found ??= find().catch((error: unknown) => {
      found = undefined
      throw error
    })
    return found
  }
}

/**
 * Opens the environments of requirements: one per set, content-addressed, built once with hashes in a sandbox that reaches
 * the package index and nothing else, and kept until the cache is full.
 *
 * @example
 * const { environment, release } = await environments.acquire(['pandas>=2.2,<3'])
 */
export const openEnvironments = (options: EnvironmentsOptions): Environments => {
  const config = environmentsConfigSchema.parse(options.config ?? {})
  const folder = resolve(options.dataDir, 'environments')
  const cache = new EnvironmentCache({ ...config, folder })
  const findInterpreterCopy = once(async () =>
    copyInterpreter(resolve(options.dataDir, 'interpreters'), await findInterpreter(options.python)),
  )
  const findIndex = once(
    async () => options.index ?? readPackageIndex((await findInterpreterCopy()).host, options.indexUrl),
  )
  const openSandbox = async (signal?: AbortSignal): Promise<BuildSandbox> => {
    return { interpreter: await findInterpreterCopy(), index: await findIndex(), limits: config, signal }
  }

  const lock = async (requirements: readonly string[], signal?: AbortSignal): Promise<readonly string[]> => {
    const parsed = parseRequirements(requirements, config.maxRequirements)
    const lines = parsed.map(formatRequirement)
    if (parsed.every(isLocked)) return lines
    await mkdir(folder, { recursive: true })
    const { id } = await findInterpreterCopy()
    const path = join(folder, `lock-${sha256(id, ...lines)}.txt`)
    return lockRequirements(lines, path, () => openSandbox(signal))
  }

  /** What is too much today is removed the next time: no task fails for it. */
  const shrink = async (python: string): Promise<void> => {
    try {
      const removed = await cache.shrink(python)
      if (removed.length > 0) options.logger?.info({ removed }, 'removed environments that were not in use')
    } catch (error) {
      options.logger?.warn({ err: error }, 'environments over the limit could not be removed')
    }
  }

  const build = async (id: string, lines: readonly string[], signal?: AbortSignal): Promise<Environment> => {
    const interpreter = await findInterpreterCopy()
    await shrink(interpreter.host)
    if (await cache.isFull()) {
      throw new PlatformError(
        'UNAVAILABLE',
        `The environments of this worker fill their ${config.maxCacheMb} MiB, and all of them are in use: try again later.`,
        { retryAfterSeconds: FULL_RETRY_SECONDS },
      )
    }
    const plan = { folder, id, interpreter, timeoutMs: config.buildTimeoutSeconds * 1_000, signal }
    const environment = await buildEnvironment(plan, async (sitePackages) => {
      const start = performance.now()
      const move = (out: string) => rename(join(out, 'site-packages'), sitePackages)
      await runPip('install', lines, dirname(sitePackages), await openSandbox(signal), move)
      const bytes = await measureFolder(sitePackages)
      options.logger?.info({ environment: id, bytes, ms: performance.now() - start }, 'built an environment')
    })
    await shrink(interpreter.host)
    return environment
  }

  return {
    lock,
    async acquire(requirements, signal) {
      if (requirements.length === 0) {
        return { environment: await ensureDefaultEnvironment(options), release: async () => undefined }
      }
      const lines = await lock(requirements, signal)
      const interpreter = await findInterpreterCopy()
      const id = sha256(`requirements ${FORMAT}`, interpreter.id, ...lines)
      await mkdir(folder, { recursive: true })
      await cache.hold(id)
      try {
        await cache.waitForRemoval(id, interpreter.host)
        const environment = (await cache.find(id)) ?? (await build(id, lines, signal))
        let held = true
        const release = async () => {
          if (held) await cache.release(id)
          held = false
        }
        return { environment, release }
      } catch (error) {
        await cache.release(id)
        throw error
      }
    },
    close: () => cache.close(),
  }
}
