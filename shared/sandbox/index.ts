/**
 * The sandbox port: runs one attempt of hostile code, with limits, and tells what came of it.
 *
 * @module
 */
export { addSandboxMetrics } from './add-sandbox-metrics.ts'
export { ENGINE_NAMES, type SandboxConfig } from './config.ts'
export { openSandboxes, type SandboxesOptions } from './open.ts'
export {
  type InputFile,
  type Limits,
  type Progress,
  type RunListener,
  type RunOutcome,
  type RunSpec,
  SANDBOX_LEVELS,
  type Sandboxes,
  type SandboxFailureCode,
  type SandboxLevel,
  type SelfTestReport,
  type Usage,
} from './port.ts'
export { DEFAULT_TIER, LIMIT_RANGES, limitsFor, TIERS, type Tier } from './tiers.ts'
