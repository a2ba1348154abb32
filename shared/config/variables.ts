import { hostname } from 'node:os'
import { z } from 'zod'
import { type EnvironmentsConfig, environmentsConfigSchema } from '../environments/index.ts'
import { EstimateSettings } from '../estimates/index.ts'
import { type PrechecksConfig, prechecksConfigSchema } from '../prechecks/index.ts'
import { type InstallationRetention, RetentionSettings } from '../retention/index.ts'
import { ENGINE_NAMES, SANDBOX_LEVELS } from '../sandbox/index.ts'
import type { StoreOptions } from '../storage/index.ts'

/** Where PostgreSQL, the queue and the object store are. */
export const connectionEnv = {
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** `redis://…`, `rediss://…` or `postgres://…`. */
  QUEUE_URL: z.url(),
  /** `s3://bucket?…` or `file:///directory`. */
  STORAGE_URL: z.url(),
  /** Signs the URLs of a `file:` store; the first of a comma-separated list signs, all of them verify. */
  STORAGE_SIGNING_KEYS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((key) => key !== '')),
  /** For an `s3:` store. */
  S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  /** Where users reach the gateway. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }),
}

/** Whose tokens are believed. */
export const identityEnv = {
  OIDC_ISSUER: z.url({ protocol: /^https?$/ }),
  OIDC_AUDIENCE: z.string().min(1).default('mecapy-api'),
  /** The claim that names a user's company. */
  OIDC_TENANT_CLAIM: z.string().min(1).default('tenant'),
  /** The claim in which Keycloak lists a user's organizations. */
  OIDC_ORGANIZATION_CLAIM: z.string().min(1).default('organization'),
  /** The secret of the client OIDC_AUDIENCE: with it the issuer is asked whether tokens still hold (introspection). */
  OIDC_CLIENT_SECRET: z.string().min(1).optional(),
}

/** How runtimes are expected and learned; docs/estimates.md says what the figures mean. */
export const estimatesEnv = {
  ESTIMATE_QUANTILE: EstimateSettings.shape.quantile,
  ESTIMATE_HISTORIES_PER_TENANT: EstimateSettings.shape.maxHistoriesPerTenant,
}
const estimatesSchema = z.object(estimatesEnv)

/** What `openEstimator` and `startLearning` want, out of a process's configuration. */
export const readEstimateSettings = (env: z.infer<typeof estimatesSchema>): EstimateSettings =>
  EstimateSettings.parse({
    quantile: env.ESTIMATE_QUANTILE,
    maxHistoriesPerTenant: env.ESTIMATE_HISTORIES_PER_TENANT,
  })

const retentionDays = (standard: number) =>
  z.coerce.number().pipe(RetentionSettings.shape.results_days).default(standard)

/** How many days things are kept where a tenant says nothing, and at most; docs/retention.md. */
export const retentionEnv = {
  RETENTION_RESULTS_DAYS: retentionDays(90),
  RETENTION_ARTIFACTS_DAYS: retentionDays(90),
  RETENTION_LOGS_DAYS: retentionDays(30),
  RETENTION_EVENTS_DAYS: retentionDays(30),
  RETENTION_TASKS_DAYS: retentionDays(365),
  RETENTION_UPLOADS_DAYS: retentionDays(1),
  RETENTION_IDEMPOTENCY_KEYS_DAYS: retentionDays(7),
  RETENTION_MAX_DAYS: retentionDays(3_650),
}
const retentionSchema = z.object(retentionEnv)

/** What `openRetention` and the janitor want, out of a process's configuration. */
export const readRetention = (env: z.infer<typeof retentionSchema>): InstallationRetention => ({
  defaults: {
    results_days: env.RETENTION_RESULTS_DAYS,
    artifacts_days: env.RETENTION_ARTIFACTS_DAYS,
    logs_days: env.RETENTION_LOGS_DAYS,
    events_days: env.RETENTION_EVENTS_DAYS,
    tasks_days: env.RETENTION_TASKS_DAYS,
    uploads_days: env.RETENTION_UPLOADS_DAYS,
    idempotency_keys_days: env.RETENTION_IDEMPOTENCY_KEYS_DAYS,
  },
  maxDays: env.RETENTION_MAX_DAYS,
})

export const logLevelEnv = {
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
}

/** Where scrapers find `/metrics`: a port of its own, which users do not reach. Not served when left out. */
export const metricsEnv = {
  METRICS_PORT: z.coerce.number().int().min(1).max(65_535).optional(),
  METRICS_HOST: z.string().min(1).default('0.0.0.0'),
}

/** What a process that runs attempts needs beside connections and limits. */
export const attemptEnv = {
  /** Names this process in attempts. */
  WORKER_NAME: z.string().min(1).default(`${hostname()}-${process.pid}`),
  /** A worker that is silent for so long has lost its tasks; a third of it is the heartbeat. */
  LEASE_SECONDS: z.coerce.number().min(1).max(3_600).default(15),
  /** How long an attempt waits for an object store that is away before it fails. */
  STORAGE_PATIENCE_SECONDS: z.coerce.number().min(0).max(3_600).default(600),
  /** Unrepeatable tasks that may run here beyond the slots, once they have outlived their lane. */
  MAX_OVERRUNS: z.coerce.number().int().min(0).max(1_000).default(4),
  /** Where Python environments are kept. */
  ENVIRONMENTS_DIR: z.string().min(1),
  /** `auto`: the quickest that is there and reaches the floor. */
  SANDBOX_ENGINE: z.enum(['auto', ...ENGINE_NAMES]).default('auto'),
  /** The engine's program, when it is not where the system keeps its programs. */
  SANDBOX_ENGINE_PATH: z.string().startsWith('/').optional(),
  /** Where Docker's daemon listens. */
  SANDBOX_DOCKER_SOCKET: z.string().startsWith('/').default('/var/run/docker.sock'),
  /** The weakest level that may run a task here; below it the process does not start. */
  SANDBOX_FLOOR: z.enum(SANDBOX_LEVELS).default('container'),
}

/** A number of another module's configuration, as a variable; its range and default are that module's. */
const fromText = <S extends z.ZodType>(schema: S) =>
  z.preprocess((text) => (text === undefined ? undefined : Number(text)), schema)

const limits = environmentsConfigSchema.shape
const checks = prechecksConfigSchema.shape

/** Whether environments of requirements are built, from where, and what they may cost. */
export const environmentsEnv = {
  /** The index that packages come from; `pip`: what pip on this host is configured to use. Left out: none are built. */
  PACKAGE_INDEX_URL: z.union([z.literal('pip'), z.url({ protocol: /^https?$/ })]).optional(),
  ENVIRONMENTS_MAX_REQUIREMENTS: fromText(limits.maxRequirements),
}

/** What building environments may cost a worker. */
export const buildEnv = {
  ENVIRONMENTS_BUILD_TIMEOUT_SECONDS: fromText(limits.buildTimeoutSeconds),
  ENVIRONMENTS_BUILD_MEMORY_MB: fromText(limits.buildMemoryMb),
  ENVIRONMENTS_MAX_DOWNLOAD_MB: fromText(limits.maxDownloadMb),
  ENVIRONMENTS_MAX_SIZE_MB: fromText(limits.maxEnvironmentMb),
  ENVIRONMENTS_MAX_CACHE_MB: fromText(limits.maxCacheMb),
  /** A sandbox stays warm for an hour at most and shows its environment until then: that must outlast it. */
  ENVIRONMENTS_KEEP_SECONDS: fromText(z.int().min(4_000).max(604_800).default(7_200)),
}

/** What the checks of sources may cost a gateway. */
export const prechecksEnv = {
  PRECHECK_THREADS: fromText(checks.threads),
  PRECHECK_THREAD_MEMORY_MB: fromText(checks.threadMemoryMb),
  PRECHECK_THREAD_STACK_MB: fromText(checks.threadStackMb),
  PRECHECK_FILE_TIMEOUT_MS: fromText(checks.fileTimeoutMs),
  PRECHECK_TIMEOUT_MS: fromText(checks.timeoutMs),
  PRECHECK_MAX_WAITING: fromText(checks.maxWaiting),
  PRECHECK_MAX_FINDINGS: fromText(checks.maxFindings),
  PRECHECK_CACHE_ENTRIES: fromText(checks.cacheEntries),
}

const KIB = 1_024
const MIB = 1_024 * KIB

/** What a task may weigh, on its way in and out. */
export const taskLimitsEnv = {
  TASK_MAX_BODY_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .max(64 * MIB)
    .default(4 * MIB),
  TASK_MAX_CODE_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .max(16 * MIB)
    .default(1 * MIB),
  /** Nesting of arrays and objects in inputs and results; below what Python's parser takes. */
  TASK_MAX_JSON_DEPTH: z.coerce.number().int().positive().max(500).default(200),
  /** Inputs and results up to this size lie in the row, longer ones in the object store. */
  TASK_MAX_INLINE_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .max(1 * MIB)
    .default(64 * KIB),
}

const connectionSchema = z.object(connectionEnv)

/** What `openStore` wants, out of a process's configuration. */
export const readStoreOptions = (env: z.infer<typeof connectionSchema>): StoreOptions => ({
  publicUrl: env.PUBLIC_URL,
  signingKeys: env.STORAGE_SIGNING_KEYS,
  ...(env.S3_ACCESS_KEY_ID !== undefined &&
    env.S3_SECRET_ACCESS_KEY !== undefined && {
      credentials: { accessKeyId: env.S3_ACCESS_KEY_ID, secretAccessKey: env.S3_SECRET_ACCESS_KEY },
    }),
})

const environmentsSchema = z.object({ ...environmentsEnv, ...buildEnv })

/** What `openEnvironments` wants, out of a worker's configuration. */
export const readEnvironmentsConfig = (env: z.infer<typeof environmentsSchema>): EnvironmentsConfig => ({
  maxRequirements: env.ENVIRONMENTS_MAX_REQUIREMENTS,
  buildTimeoutSeconds: env.ENVIRONMENTS_BUILD_TIMEOUT_SECONDS,
  buildMemoryMb: env.ENVIRONMENTS_BUILD_MEMORY_MB,
  maxDownloadMb: env.ENVIRONMENTS_MAX_DOWNLOAD_MB,
  maxEnvironmentMb: env.ENVIRONMENTS_MAX_SIZE_MB,
  maxCacheMb: env.ENVIRONMENTS_MAX_CACHE_MB,
  keepSeconds: env.ENVIRONMENTS_KEEP_SECONDS,
})

const prechecksSchema = z.object(prechecksEnv)

/** What `openPrechecks` wants, out of a gateway's configuration. */
export const readPrechecksConfig = (env: z.infer<typeof prechecksSchema>): PrechecksConfig => ({
  threads: env.PRECHECK_THREADS,
  threadMemoryMb: env.PRECHECK_THREAD_MEMORY_MB,
  threadStackMb: env.PRECHECK_THREAD_STACK_MB,
  fileTimeoutMs: env.PRECHECK_FILE_TIMEOUT_MS,
  timeoutMs: env.PRECHECK_TIMEOUT_MS,
  maxWaiting: env.PRECHECK_MAX_WAITING,
  maxFindings: env.PRECHECK_MAX_FINDINGS,
  cacheEntries: env.PRECHECK_CACHE_ENTRIES,
})
