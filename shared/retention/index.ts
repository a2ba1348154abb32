/**
 * Retention: how long a tenant's things are kept, and how they go. Rows go first, and in the same transaction their
 * objects are noted for deletion. See docs/retention.md.
 *
 * @module
 */
export { deleteDueObjects } from './object-deletions.ts'
export { openRetention, type ReadRetention, type Retention } from './open-retention.ts'
export { removeAllOverdue } from './remove-all-overdue.ts'
export { searchStore } from './search-store.ts'
export {
  type InstallationRetention,
  RetentionPatch,
  RetentionSettings,
} from './settings.ts'
