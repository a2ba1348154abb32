import { hostname } from 'node:os'
import { z } from 'zod'
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
  OIDC_TENANT_CLAIM: z.string().min(1).default('tenant'),
}

export const logLevelEnv = {
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
}

/** What a process that runs attempts needs beside connections and limits. */
export const attemptEnv = {
  /** Names this process in attempts. */
  WORKER_NAME: z.string().min(1).default(`${hostname()}-${process.pid}`),
  /** A worker that is silent for so long has lost its tasks; a third of it is the heartbeat. */
  LEASE_SECONDS: z.coerce.number().min(1).max(3_600).default(15),
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
