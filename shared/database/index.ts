/**
 * PostgreSQL, the truth: connections, migrations, and the wake-ups that LISTEN and NOTIFY carry.
 *
 * @module
 */
export { type ConnectOptions, connect, type Sql, type Statements } from './connect.ts'
export { isDatabaseAway } from './is-away.ts'
export { migrate } from './migrate.ts'
export { persist } from './persist.ts'
export { type Login, type LoginKind, provisionLogin } from './provision-login.ts'
export { openTenantDatabase, type TenantDatabase } from './tenant-database.ts'
export { type Channel, listen, notify } from './wake-ups.ts'
