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
  readStoreOptions,
  taskLimitsEnv,
} from './variables.ts'
