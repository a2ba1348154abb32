import type { Fault } from '../errors.ts'
import { PrecheckPolicy } from '../prechecks/index.ts'
import { SANDBOX_LEVELS, type SandboxLevel } from '../sandbox/index.ts'
import type { PolicySettings } from './settings.ts'

/** What a tenant's tasks are held to. */
export type Policy = {
  prechecks: PrecheckPolicy
  /** The weakest sandbox that may run them. */
  sandboxFloor: SandboxLevel
  /** `never`: a whole sandbox for each run, whatever a task says. */
  reuse: 'tenant' | 'never'
}

const DEFAULTS = PrecheckPolicy.parse({})

const unite = (...lists: (readonly string[] | undefined)[]) => [
  ...new Set(lists.flatMap((list) => list ?? [])),
]
const smaller = (standard: number, ours: number | undefined, theirs: number | undefined) =>
  Math.min(ours ?? standard, theirs ?? Number.POSITIVE_INFINITY)
const isStronger = (one: SandboxLevel, other: SandboxLevel) =>
  SANDBOX_LEVELS.indexOf(one) > SANDBOX_LEVELS.indexOf(other)
const stronger = (one: SandboxLevel, other: SandboxLevel) => (isStronger(one, other) ? one : other)

/**
 * What holds for a tenant. Advice (the levels of rules, further imports) is the tenant's to choose; a wall (floor, reuse,
 * refused imports, RestrictedPython, sizes) can only be made stronger than the installation has it.
 */
export const resolvePolicy = (installation: PolicySettings, tenant: PolicySettings): Policy => ({
  prechecks: {
    security: tenant.security ?? installation.security ?? DEFAULTS.security,
    rules: { ...installation.rules, ...tenant.rules },
    imports: tenant.imports ?? installation.imports ?? DEFAULTS.imports,
    allowImports: unite(installation.allow_imports, tenant.allow_imports),
    denyImports: unite(installation.deny_imports, tenant.deny_imports),
    restrictedPython: (installation.restricted_python ?? false) || (tenant.restricted_python ?? false),
    maxFiles: smaller(DEFAULTS.maxFiles, installation.max_files, tenant.max_files),
    maxFileBytes: smaller(DEFAULTS.maxFileBytes, installation.max_file_bytes, tenant.max_file_bytes),
    maxTotalBytes: smaller(DEFAULTS.maxTotalBytes, installation.max_total_bytes, tenant.max_total_bytes),
  },
  sandboxFloor: stronger(installation.sandbox_floor ?? 'container', tenant.sandbox_floor ?? 'container'),
  reuse: installation.reuse === 'never' || tenant.reuse === 'never' ? 'never' : 'tenant',
})

/** Where a tenant's settings ask for a weaker wall than the installation has, which would do nothing. */
export const findWeakened = (installation: PolicySettings, tenant: PolicySettings): Fault[] => {
  const { prechecks, sandboxFloor, reuse } = resolvePolicy(installation, {})
  const faults: Fault[] = []
  const refuse = (member: keyof PolicySettings, weaker: boolean | undefined, strongest: unknown) => {
    const msg = `this installation holds everybody to ${JSON.stringify(strongest)}: it can only be made stricter`
    if (weaker) faults.push({ loc: ['body', member], msg, type: 'weaker_than_installation' })
  }
  const exceeds = (asked: number | undefined, limit: number) => asked !== undefined && asked > limit
  refuse('restricted_python', prechecks.restrictedPython && tenant.restricted_python === false, true)
  refuse('max_files', exceeds(tenant.max_files, prechecks.maxFiles), prechecks.maxFiles)
  refuse('max_file_bytes', exceeds(tenant.max_file_bytes, prechecks.maxFileBytes), prechecks.maxFileBytes)
  refuse('max_total_bytes', exceeds(tenant.max_total_bytes, prechecks.maxTotalBytes), prechecks.maxTotalBytes)
  const { sandbox_floor: floor } = tenant
  refuse('sandbox_floor', floor !== undefined && isStronger(sandboxFloor, floor), sandboxFloor)
  refuse('reuse', reuse === 'never' && tenant.reuse === 'tenant', reuse)
  return faults
}
