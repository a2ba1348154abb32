import { z } from 'zod'

/** A day at least, and never for ever. */
const days = z.number().int().min(1).max(3_650)

/**
 * How many days things are kept: what belongs to a task from its end on (`tasks_days`: all that is left of it),
 * uploads and idempotency keys from when they came.
 */
export const RetentionSettings = z.strictObject({
  results_days: days,
  artifacts_days: days,
  logs_days: days,
  events_days: days,
  tasks_days: days,
  uploads_days: days,
  idempotency_keys_days: days,
})
export type RetentionSettings = z.infer<typeof RetentionSettings>

/** What a tenant says itself; what it leaves out follows the installation. */
export type TenantRetention = { [Name in keyof RetentionSettings]: RetentionSettings[Name] | null }

/** A change of a tenant's settings (RFC 7396): what is named is set, `null` takes it back. */
export const RetentionPatch = z
  .strictObject({
    results_days: days.nullable(),
    artifacts_days: days.nullable(),
    logs_days: days.nullable(),
    events_days: days.nullable(),
    tasks_days: days.nullable(),
    uploads_days: days.nullable(),
    idempotency_keys_days: days.nullable(),
  })
  .partial()
export type RetentionPatch = z.infer<typeof RetentionPatch>

/** What holds where tenants say nothing, and what none may exceed. */
export type InstallationRetention = { defaults: RetentionSettings; maxDays: number }

/** What holds for a tenant. What belongs to a task goes with the task at the latest. */
export const resolveRetention = (
  { defaults, maxDays }: InstallationRetention,
  own: Partial<TenantRetention>,
): RetentionSettings => {
  const pick = (name: keyof RetentionSettings) => Math.min(own[name] ?? defaults[name], maxDays)
  const tasks = pick('tasks_days')
  const withTask = (name: keyof RetentionSettings) => Math.min(pick(name), tasks)
  return {
    results_days: withTask('results_days'),
    artifacts_days: withTask('artifacts_days'),
    logs_days: withTask('logs_days'),
    events_days: withTask('events_days'),
    tasks_days: tasks,
    uploads_days: pick('uploads_days'),
    idempotency_keys_days: withTask('idempotency_keys_days'),
  }
}
