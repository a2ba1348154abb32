import { z } from 'zod'
import { attemptEnv, connectionEnv, logLevelEnv, parseEnv, retentionEnv } from '../../shared/config/index.ts'

const Schema = z.object({
  ...connectionEnv,
  ...logLevelEnv,
  ...retentionEnv,
  LEASE_SECONDS: attemptEnv.LEASE_SECONDS,
  /** The pause between two looks at what time brings: due, expired and lost tasks. */
  JANITOR_INTERVAL_MS: z.coerce.number().int().min(10).default(250),
  /** The pause between two searches for what a dead process left lying. */
  JANITOR_SEARCH_INTERVAL_MS: z.coerce.number().int().min(10).default(2_000),
  /** An admitted task is announced to the queue again when it was announced so long ago. */
  REANNOUNCE_AFTER_SECONDS: z.coerce.number().positive().default(10),
  /** Lost workers leave the registry so long after the time that they promised to live. */
  FORGET_WORKERS_AFTER_SECONDS: z.coerce.number().positive().default(600),
  /** The pause between two looks for what has been kept long enough. */
  RETENTION_INTERVAL_MS: z.coerce.number().int().min(10).default(60_000),
  /** How many tasks one statement of a round takes in hand. */
  JANITOR_BATCH: z.coerce.number().int().min(1).max(10_000).default(500),
})

/** The janitor's configuration. @throws `MISCONFIGURED` */
export const readJanitorEnv = (variables: NodeJS.ProcessEnv) => parseEnv(Schema, variables)
