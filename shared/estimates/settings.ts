import { z } from 'zod'

/** How estimates are made and kept. */
export const EstimateSettings = z.object({
  /** The share of runs that the runtime to route by is to cover; docs/estimates.md has what it was tuned with. */
  quantile: z.coerce.number().gt(0).lt(1).default(0.7),
  /** Function versions and forecast records kept for a tenant; those that ran longest ago make room. */
  maxHistoriesPerTenant: z.coerce.number().int().positive().default(2_000),
  /** Histories that a process remembers between two reads. */
  maxRemembered: z.coerce.number().int().positive().default(5_000),
  /** How old a remembered history may be before it is read again, beside the request that met it. */
  refreshMs: z.coerce.number().positive().default(3_000),
  /** How long observations are gathered before they are written. */
  learnIntervalMs: z.coerce.number().positive().default(1_000),
  /** Observations that wait to be written; what comes beyond them is not learned. */
  maxWaitingObservations: z.coerce.number().int().positive().default(10_000),
})
export type EstimateSettings = z.infer<typeof EstimateSettings>
