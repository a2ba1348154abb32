/**
 * Environments: the interpreter and packages that an attempt runs in, content-addressed and read-only.
 *
 * @module
 */
export { type EnvironmentsConfig, environmentsConfigSchema } from './config.ts'
export { ensureDefaultEnvironment } from './default.ts'
export type { Environment } from './environment.ts'
export {
  type Environments,
  type EnvironmentsOptions,
  type HeldEnvironment,
  openEnvironments,
} from './open-environments.ts'
export type { PackageIndex } from './package-index.ts'
export { checkRequirements, splitRequirements } from './requirements.ts'
