import postgres from 'postgres'
import { arrayTypes } from './array-types.ts'

/** A pool; values of type `json` are text on both sides, because user JSON is opaque. */
export type Sql = postgres.Sql<{ json: string }>

/** What takes statements: a pool, or a transaction that is under way. */
export type Statements = postgres.ISql<{ json: string }>

export type ConnectOptions = {
  /** Shown in `pg_stat_activity`. */
  name: string
  maxConnections?: number
  /**
   * `relaxed` answers before the commit is on disk (`synchronous_commit = off`): for what a crash may take back
   * because the lease protocol repairs it (claims, heartbeats, progress). Submissions and completions are `strict`.
   */
  durability?: 'strict' | 'relaxed'
  statementTimeoutMs?: number
}

const CONNECT_TIMEOUT_SECONDS = 10
const RECONNECT_DELAY_SECONDS = 0.5

/** Opens a pool; the first query connects. End it with `sql.end({ timeout })`. */
export const connect = (url: string, options: ConnectOptions): Sql =>
  postgres(url, {
    max: options.maxConnections ?? 10,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    // By default the driver closes a connection after an hour; between the statements of a transaction, if it must.
    max_lifetime: null,
    // The driver's own pause between attempts grows to 20 s: too long once the server is back.
    backoff: () => RECONNECT_DELAY_SECONDS,
    connection: {
      application_name: options.name,
      statement_timeout: options.statementTimeoutMs ?? 30_000,
      synchronous_commit: options.durability === 'relaxed' ? 'off' : 'on',
    },
    onnotice: () => {},
    fetch_types: false,
    types: {
      ...arrayTypes,
      json: {
        to: 114,
        from: [114],
        serialize: (text: string) => text,
        parse: (text: string) => text,
      },
    },
  })
