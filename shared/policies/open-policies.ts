import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Member } from '../tenants/index.ts'
import { findWeakened, type Policy, resolvePolicy } from './resolve-policy.ts'
import { applyPatch, type PolicyPatch, type PolicySettings } from './settings.ts'
import { changeSettings, readSettings } from './stored-settings.ts'

export type Policies = {
  /** What holds for a tenant's submissions: at most `freshMs` old. */
  get(tenantId: string): Promise<Policy>
  /** What holds for a tenant now, and what its administrators set of it. */
  read(tenantId: string): Promise<{ policy: Policy; settings: PolicySettings }>
  /** @throws {PlatformError} `INVALID` with everything that would be weaker than the installation */
  change(member: Member, patch: PolicyPatch): Promise<{ policy: Policy; settings: PolicySettings }>
}

export type PoliciesOptions = {
  sql: Sql
  /** What holds where a tenant says nothing, and the walls that none can lower. */
  installation: PolicySettings
  /** How long a submission may be held to a policy that was changed by another gateway. */
  freshMs?: number
}

const FRESH_MS = 5_000
const MAX_CACHED = 10_000

/** Opens the tenants' policies over what the installation sets for all of them. */
export const openPolicies = ({ sql, installation, freshMs = FRESH_MS }: PoliciesOptions): Policies => {
  const cache = new Map<string, { policy: Promise<Policy>; untilMs: number }>()

  const read = async (tenantId: string) => {
    const settings = await readSettings(sql, tenantId)
    return { settings, policy: resolvePolicy(installation, settings) }
  }
  const remember = (tenantId: string, policy: Promise<Policy>) => {
    if (cache.size >= MAX_CACHED) cache.clear()
    cache.set(tenantId, { policy, untilMs: performance.now() + freshMs })
    policy.catch(() => cache.delete(tenantId))
    return policy
  }

  return {
    read,
    get: (tenantId) => {
      const known = cache.get(tenantId)
      if (known !== undefined && performance.now() < known.untilMs) return known.policy
      return remember(
        tenantId,
        read(tenantId).then(({ policy }) => policy),
      )
    },
    change: async (member, patch) => {
      const faults = findWeakened(installation, applyPatch({}, patch))
      if (faults.length > 0) {
        const reasons = faults.map(({ loc, msg }) => `${loc.at(-1)}: ${msg}`).join('; ')
        throw new PlatformError('INVALID', `The policy was not changed. ${reasons}`, { faults })
      }
      const settings = await changeSettings(sql, member, (current) => applyPatch(current, patch))
      const policy = resolvePolicy(installation, settings)
      void remember(member.tenantId, Promise.resolve(policy))
      return { policy, settings }
    },
  }
}
