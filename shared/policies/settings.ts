import { z } from 'zod'
import { PrecheckPolicy } from '../prechecks/index.ts'
import { SANDBOX_LEVELS } from '../sandbox/index.ts'

const checks = PrecheckPolicy.shape
const Level = checks.security.unwrap()
const { keyType: RuleCode } = checks.rules.unwrap()

const settings = {
  security: Level,
  rules: z.record(RuleCode, Level),
  imports: Level,
  allow_imports: checks.allowImports.unwrap(),
  deny_imports: checks.denyImports.unwrap(),
  restricted_python: z.boolean(),
  max_files: checks.maxFiles.unwrap(),
  max_file_bytes: checks.maxFileBytes.unwrap(),
  max_total_bytes: checks.maxTotalBytes.unwrap(),
  sandbox_floor: z.enum(SANDBOX_LEVELS),
  reuse: z.enum(['tenant', 'never']),
}

/** What was set of a policy: by the operator for the installation, by administrators for their tenant. */
export const PolicySettings = z.strictObject(settings).partial()
export type PolicySettings = z.infer<typeof PolicySettings>

/** A change of settings (RFC 7396): what is named is set, `null` takes it back; in `rules`, a rule at a time. */
export const PolicyPatch = z
  .strictObject({
    security: settings.security.nullable(),
    rules: z.record(RuleCode, Level.nullable()).nullable(),
    imports: settings.imports.nullable(),
    allow_imports: settings.allow_imports.nullable(),
    deny_imports: settings.deny_imports.nullable(),
    restricted_python: settings.restricted_python.nullable(),
    max_files: settings.max_files.nullable(),
    max_file_bytes: settings.max_file_bytes.nullable(),
    max_total_bytes: settings.max_total_bytes.nullable(),
    sandbox_floor: settings.sandbox_floor.nullable(),
    reuse: settings.reuse.nullable(),
  })
  .partial()
export type PolicyPatch = z.infer<typeof PolicyPatch>

const mergeMembers = (target: Record<string, unknown>, patch: Record<string, unknown>) => {
  const merged = { ...target, ...patch }
  return Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== null && value !== undefined),
  )
}

/** The settings after a change. */
export const applyPatch = (current: PolicySettings, { rules, ...patch }: PolicyPatch): PolicySettings =>
  PolicySettings.parse(
    mergeMembers(current, {
      ...patch,
      ...(rules === null && { rules }),
      ...(rules && { rules: mergeMembers(current.rules ?? {}, rules) }),
    }),
  )
