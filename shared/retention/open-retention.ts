import type { Sql } from '../database/index.ts'
import { type Fault, PlatformError } from '../errors.ts'
import {
  type InstallationRetention,
  type RetentionPatch,
  type RetentionSettings,
  resolveRetention,
  type TenantRetention,
} from './settings.ts'
import { changeSettings, readSettings } from './stored-settings.ts'

export type ReadRetention = {
  /** What holds. */
  retention: RetentionSettings
  /** What the tenant has set of it. */
  settings: Partial<TenantRetention>
}

export type Retention = {
  read(tenantId: string): Promise<ReadRetention>
  /** Holds for what is kept already, too, from the janitor's next round on. @throws `INVALID` beyond the installation's limit */
  change(tenantId: string, patch: RetentionPatch): Promise<ReadRetention>
}

/** The tenants' retention, over what the installation says. */
export const openRetention = (sql: Sql, installation: InstallationRetention): Retention => {
  const read = async (tenantId: string): Promise<ReadRetention> => {
    const settings = await readSettings(sql, tenantId)
    return { settings, retention: resolveRetention(installation, settings) }
  }
  return {
    read,
    change: async (tenantId, patch) => {
      const faults = Object.entries(patch).flatMap(([name, days]): Fault[] =>
        days == null || days <= installation.maxDays
          ? []
          : [
              {
                loc: ['body', name],
                msg: `this installation keeps nothing longer than ${installation.maxDays} days`,
                type: 'longer_than_installation',
              },
            ],
      )
      if (faults.length > 0) {
        const reasons = faults.map(({ loc, msg }) => `${loc.at(-1)}: ${msg}`).join('; ')
        throw new PlatformError('INVALID', `The retention was not changed. ${reasons}`, { faults })
      }
      await changeSettings(sql, tenantId, patch)
      return await read(tenantId)
    },
  }
}
