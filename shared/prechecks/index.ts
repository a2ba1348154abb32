/**
 * Checks of a source before it runs: for the user's good, and as defence in depth. The sandbox is the wall.
 *
 * @module
 */
export type { CheckedEnvironment } from './allowed-imports.ts'
export { checkRestrictedPython, type RestrictedCheck } from './check-restricted-python.ts'
export { type PrechecksConfig, prechecksConfigSchema } from './config.ts'
export { type Finding, type SourceFile, toFaults } from './finding.ts'
export {
  openPrechecks,
  type Prechecks,
  type Verdict,
} from './open-prechecks.ts'
export { PrecheckPolicy } from './policy.ts'
