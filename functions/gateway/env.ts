import { z } from 'zod'
import {
  connectionEnv,
  environmentsEnv,
  estimatesEnv,
  identityEnv,
  logLevelEnv,
  metricsEnv,
  parseEnv,
  prechecksEnv,
  taskLimitsEnv,
} from '../../shared/config/index.ts'
import { PolicySettings } from '../../shared/policies/index.ts'

const MIB = 1_024 * 1_024

const parseJson = (text: string, context: z.RefinementCtx): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON' })
    return z.NEVER
  }
}

const Schema = z.object({
  ...connectionEnv,
  ...identityEnv,
  ...logLevelEnv,
  ...taskLimitsEnv,
  ...estimatesEnv,
  ...metricsEnv,
  ...environmentsEnv,
  ...prechecksEnv,
  /** JSON, as of `GET /tenant/policy`: what holds where a tenant says nothing, and the walls that none can lower. */
  TENANT_POLICY: z.string().default('{}').transform(parseJson).pipe(PolicySettings),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8_000),
  HOST: z.string().default('0.0.0.0'),
  /** Connections to PostgreSQL, beside the one that listens. */
  DATABASE_POOL: z.coerce.number().int().min(1).max(200).default(16),
  /** What a task is taken for when nobody said how long it runs. */
  LANE_UNKNOWN_SECONDS: z.coerce.number().positive().default(30),
  RESULT_MAX_ANSWERED_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(1 * MIB),
  WAIT_MAX_SECONDS: z.coerce.number().int().min(1).max(60).default(30),
  UPLOAD_MAX_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(1_024 * MIB),
  SIGNED_URL_SECONDS: z.coerce.number().int().min(1).max(900).default(900),
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).default(25_000),
})

/** The gateway's configuration. @throws `MISCONFIGURED` */
export const readGatewayEnv = (variables: NodeJS.ProcessEnv) => parseEnv(Schema, variables)
