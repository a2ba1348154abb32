import { z } from 'zod'
import {
  attemptEnv,
  buildEnv,
  connectionEnv,
  environmentsEnv,
  estimatesEnv,
  logLevelEnv,
  metricsEnv,
  parseEnv,
  taskLimitsEnv,
} from '../../shared/config/index.ts'

const Concurrency = z.coerce.number().int().min(0).max(1_000)

const Schema = z.object({
  ...connectionEnv,
  ...logLevelEnv,
  ...taskLimitsEnv,
  ...attemptEnv,
  ...environmentsEnv,
  ...buildEnv,
  ...estimatesEnv,
  ...metricsEnv,
  /** How many tasks of each lane run here at once; 0 leaves a lane alone. */
  HIGH_PRIORITY_CONCURRENCY: Concurrency.default(2),
  DEFAULT_CONCURRENCY: Concurrency.default(2),
  LONG_RUNNING_CONCURRENCY: Concurrency.default(1),
  /** Without a beat for so long it counts as lost in the registry of workers; a third of it is the beat. */
  WORKER_ALIVE_SECONDS: z.coerce.number().min(1).max(3_600).default(15),
  /** How long SIGTERM waits for tasks in hand before they are stopped and given back. */
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).default(3_600_000),
})

/** A pool consumer's configuration. @throws `MISCONFIGURED` */
export const readConsumerEnv = (variables: NodeJS.ProcessEnv) => parseEnv(Schema, variables)
