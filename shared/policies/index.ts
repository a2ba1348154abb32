/**
 * Policies: what a tenant's tasks are held to before they run and how strong their sandbox is, from the installation's
 * settings and the tenant's own.
 *
 * @module
 */
export { openPolicies, type Policies, type PoliciesOptions } from './open-policies.ts'
export type { Policy } from './resolve-policy.ts'
export { PolicyPatch, PolicySettings } from './settings.ts'
