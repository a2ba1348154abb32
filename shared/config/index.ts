/**
 * Process configuration: environment variables in, checked values out.
 *
 * @module
 */
export { parseEnv } from './parse-env.ts'
export {
  attemptEnv,
  buildEnv,
  connectionEnv,
  environmentsEnv,
  estimatesEnv,
  identityEnv,
  logLevelEnv,
  metricsEnv,
  prechecksEnv,
  readEnvironmentsConfig,
  readEstimateSettings,
  readPrechecksConfig,
  readStoreOptions,
  taskLimitsEnv,
} from './variables.ts'
