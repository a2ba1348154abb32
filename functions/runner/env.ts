import { z } from 'zod'
import {
  attemptEnv,
  buildEnv,
  connectionEnv,
  environmentsEnv,
  estimatesEnv,
  logLevelEnv,
  parseEnv,
  taskLimitsEnv,
} from '../../shared/config/index.ts'

const Schema = z.object({
  ...connectionEnv,
  ...logLevelEnv,
  ...taskLimitsEnv,
  ...attemptEnv,
  ...environmentsEnv,
  ...buildEnv,
  ...estimatesEnv,
  PORT: z.coerce.number().int().min(0).max(65_535).default(8_080),
  HOST: z.string().default('0.0.0.0'),
  /** Who may call: the dispatcher sends it as a bearer token. */
  RUNNER_TOKEN: z.string().regex(/^[\w.~+/-]{32,}=*$/, 'must be 32 or more letters, digits or . _ ~ + - /'),
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).default(8_000),
})

/** The short-lane runner's configuration. @throws `MISCONFIGURED` */
export const readRunnerEnv = (variables: NodeJS.ProcessEnv) => parseEnv(Schema, variables)
