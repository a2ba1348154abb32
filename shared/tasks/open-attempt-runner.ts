import type { z } from 'zod'
import {
  type attemptEnv,
  type buildEnv,
  type connectionEnv,
  type environmentsEnv,
  type estimatesEnv,
  readEnvironmentsConfig,
  readEstimateSettings,
  readStoreOptions,
  type taskLimitsEnv,
} from '../config/index.ts'
import { connect } from '../database/index.ts'
import { ensureDefaultEnvironment, openEnvironments } from '../environments/index.ts'
import { startLearning } from '../estimates/index.ts'
import { createDispatcher } from '../lanes/index.ts'
import { openQueue } from '../queue/index.ts'
import { openSandboxes } from '../sandbox/index.ts'
import { openStore } from '../storage/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Part } from '../telemetry/stop-on-signal.ts'
import { startAttemptRunner } from './attempt-runner.ts'

type Env = z.infer<
  z.ZodObject<
    typeof connectionEnv &
      typeof taskLimitsEnv &
      typeof attemptEnv &
      typeof environmentsEnv &
      typeof buildEnv &
      typeof estimatesEnv
  >
>

const POOL_SIZE = 8

/** Environments of requirements, where a package index is configured. */
const openTaskEnvironments = (env: Env, logger: Logger) => {
  const { PACKAGE_INDEX_URL: indexUrl, ENVIRONMENTS_DIR: dataDir } = env
  if (indexUrl === undefined) return undefined
  const config = readEnvironmentsConfig(env)
  return openEnvironments({ dataDir, config, logger, ...(indexUrl !== 'pip' && { indexUrl }) })
}

/**
 * Everything that a process which runs attempts is made of, from its configuration: environment, sandboxes, two
 * database pools, queue, store, and the runner over them.
 *
 * @returns the runner, what it works with, and the parts to stop, in the order of their starting
 * @throws `MISCONFIGURED` when this host cannot isolate at the level that the configuration asks for
 */
export const openAttemptRunner = async (env: Env, logger: Logger) => {
  const environment = await ensureDefaultEnvironment({ dataDir: env.ENVIRONMENTS_DIR, logger })
  const environments = openTaskEnvironments(env, logger)
  const sandboxes = await openSandboxes({
    logger,
    config: {
      engine: env.SANDBOX_ENGINE,
      enginePath: env.SANDBOX_ENGINE_PATH,
      dockerSocket: env.SANDBOX_DOCKER_SOCKET,
      floor: env.SANDBOX_FLOOR,
    },
    preload: [{ environment, modules: ['numpy'] }],
  })
  const sql = connect(env.DATABASE_URL, { name: env.WORKER_NAME, maxConnections: POOL_SIZE })
  const relaxedSql = connect(env.DATABASE_URL, {
    name: env.WORKER_NAME,
    maxConnections: POOL_SIZE,
    durability: 'relaxed',
  })
  const queue = await openQueue(env.QUEUE_URL, { logger })
  // A run's result is dearer than a wait: without patience an outage of the store would fail attempt after attempt.
  const patienceMs = env.STORAGE_PATIENCE_SECONDS * 1_000
  const store = await openStore(env.STORAGE_URL, { ...readStoreOptions(env), patienceMs })
  const dispatcher = createDispatcher({ sql: relaxedSql, queue, logger })
  const learning = startLearning({ sql: relaxedSql, logger, settings: readEstimateSettings(env) })
  const runner = await startAttemptRunner({
    sql,
    relaxedSql,
    dispatcher,
    learning,
    store,
    sandboxes,
    environment,
    environments,
    logger,
    worker: env.WORKER_NAME,
    leaseSeconds: env.LEASE_SECONDS,
    maxOverruns: env.MAX_OVERRUNS,
    maxInlineBytes: env.TASK_MAX_INLINE_BYTES,
    maxJsonDepth: env.TASK_MAX_JSON_DEPTH,
  })
  logger.info({ engine: sandboxes.engine, sandboxLevel: sandboxes.level }, 'sandboxes are ready')
  const parts: Part[] = [
    { name: 'database', stop: () => Promise.all([sql.end({ timeout: 5 }), relaxedSql.end({ timeout: 5 })]) },
    { name: 'store', stop: () => store.close() },
    { name: 'queue', stop: () => queue.close() },
    { name: 'learning', stop: () => learning.stop() },
    { name: 'dispatcher', stop: () => dispatcher.stop() },
    { name: 'environments', stop: async () => environments?.close() },
    { name: 'sandboxes', stop: () => sandboxes.close() },
  ]
  return { runner, dispatcher, queue, sandboxes, relaxedSql, parts }
}
