import type { Sql } from '../database/index.ts'
import { findOverdue, KEPT_KINDS, removeOverdue, removeOverdueKeys } from '../tasks/index.ts'
import { forgetObjects } from './object-deletions.ts'
import { removeOverdueUploads } from './remove-uploads.ts'
import { type InstallationRetention, resolveRetention } from './settings.ts'
import { readAllSettings } from './stored-settings.ts'

export type RemovalOptions = {
  sql: Sql
  installation: InstallationRetention
  /** How many tasks, uploads or keys one transaction takes in hand. */
  batch: number
  /** Ends the round between two transactions. */
  signal: AbortSignal
}

/** Removes everything that has been kept for its time, a batch after another, every tenant in turn. */
export const removeAllOverdue = async ({
  sql,
  installation,
  batch,
  signal,
}: RemovalOptions): Promise<void> => {
  const tenants = (await readAllSettings(sql)).map(({ tenantId, ...own }) => ({
    tenantId,
    days: resolveRetention(installation, own),
  }))
  const periods = tenants.flatMap(({ tenantId, days }) =>
    KEPT_KINDS.map((kind) => ({ tenantId, kind, days: days[`${kind}_days`] })),
  )
  const keyPeriods = tenants.map(({ tenantId, days }) => ({ tenantId, days: days.idempotency_keys_days }))

  while (!signal.aborted && (await removeOverdueKeys(sql, keyPeriods, batch)) === batch);
  while (!signal.aborted && (await removeOverdueUploads(sql, batch)) === batch);
  while (!signal.aborted) {
    let looked = 0
    for (const period of await findOverdue(sql, periods)) {
      if (signal.aborted) return
      looked += await removeOverdue(sql, period, batch, forgetObjects)
    }
    // None is left, or another janitor has them all in hand.
    if (looked === 0) return
  }
}
