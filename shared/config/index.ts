/**
 * Process configuration: environment variables in, checked values out.
 *
 * @module
 */
export { parseEnv } from './parse-env.ts'
export {
  attemptEnv,
  connectionEnv,
  identityEnv,
  logLevelEnv,
  metricsEnv,
  readStoreOptions,
  taskLimitsEnv,
} from './variables.ts'
