import { ID_PATTERN } from '../id.ts'
import { type ConnectOptions, connect, type Sql } from './connect.ts'

/**
 * The database for a process that acts for tenants. Its login is one that row-level security holds for, so a statement
 * sees nothing until it says for whom it is.
 */
export type TenantDatabase = {
  /** The database as some tenants see it: their rows are there, and theirs only can be written. */
  asTenants(tenantIds: readonly string[]): Sql
  /** The tenants, users, memberships and keys of all: what is asked before a tenant is known. */
  asDirectory(): Sql
  end(): Promise<void>
}

type Scope = { setting: 'app.tenants' | 'app.scope'; value: string }
type Statement = ReturnType<Sql>
type Connection = { sql: Sql; inFlight: number; broken: boolean }

/** The server refused a statement; the connection is as good as before. */
const isRefusal = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === 'PostgresError' &&
  !('severity' in error && error.severity === 'FATAL')

/**
 * Runs one statement in a transaction of its own that begins by saying what it may touch. All messages leave at once,
 * so this is one round trip, and no transaction ever stands open while we think. A connection sends what it is given
 * in order, so what others give it at the same time comes before or after, never between.
 */
const runScoped = async (connection: Connection, scope: Scope, make: (sql: Sql) => Statement) => {
  const { sql } = connection
  connection.inFlight += 1
  try {
    // The driver gives the goodbye of a broken session to whoever asks first after it: nobody's answer.
    if (connection.broken) await sql`select 1`.catch(() => {})
    connection.broken = false
    const [, result, commit] = await Promise.all([
      sql.unsafe(`begin; select set_config('${scope.setting}', '${scope.value}', true)`),
      make(sql),
      sql`commit`,
    ])
    if (result.state.pid !== commit.state.pid) throw new Error('the connection was lost before the commit')
    return result
  } catch (error) {
    if (!isRefusal(error)) connection.broken = true
    throw error
  } finally {
    connection.inFlight -= 1
  }
}

const UNSCOPED = ['begin', 'reserve', 'unsafe', 'file', 'listen', 'notify', 'subscribe', 'end', 'close']

/** Each statement that is awaited is given to `run`; one that is only a part of another stays a part. */
const createView = (sql: Sql, run: (make: (sql: Sql) => Statement) => Promise<unknown>): Sql =>
  new Proxy(sql, {
    apply: (_, __, args: [unknown, ...unknown[]]) => {
      const make = (connection: Sql): Statement => Reflect.apply(connection, undefined, args)
      const statement = make(sql)
      if (!Array.isArray(args[0]) || !('raw' in args[0])) return statement
      let running: Promise<unknown> | undefined
      const result = () => {
        running ??= run(make)
        return running
      }
      const thenable: Pick<Promise<unknown>, 'then' | 'catch' | 'finally'> = {
        // biome-ignore lint/suspicious/noThenProperty: a statement is awaited, and runs when it is
        then: (resolve, reject) => result().then(resolve, reject),
        catch: (reject) => result().catch(reject),
        finally: (settle) => result().finally(settle),
      }
      return Object.assign(statement, thenable)
    },
    get: (target, name, receiver) => {
      if (typeof name === 'string' && UNSCOPED.includes(name))
        throw new Error(`${name} is not for a tenant's view of the database`)
      return Reflect.get(target, name, receiver)
    },
  })

/** The setting is text of a statement, so nothing but an id may become a part of it. */
const checkId = (id: string): string => {
  if (!ID_PATTERN.test(id)) throw new Error('a tenant id is a UUID')
  return id
}

/** Opens connections as they are needed, `maxConnections` at most; each takes several statements at a time. */
export const openTenantDatabase = (
  url: string,
  { maxConnections = 10, ...options }: ConnectOptions,
): TenantDatabase => {
  // Pools of one connection: the driver keeps the order of statements on a connection, and a pool of several would
  // choose one for each statement.
  const connections = Array.from(
    { length: maxConnections },
    (): Connection => ({
      sql: connect(url, { ...options, maxConnections: 1 }),
      inFlight: 0,
      broken: false,
    }),
  )
  const [first] = connections
  if (!first) throw new Error('a database takes at least one connection')
  const pickConnection = () => connections.reduce((best, one) => (one.inFlight < best.inFlight ? one : best))
  const scopeTo = (scope: Scope) => createView(first.sql, (make) => runScoped(pickConnection(), scope, make))
  return {
    asTenants: (tenantIds) =>
      scopeTo({ setting: 'app.tenants', value: `{${tenantIds.map(checkId).join(',')}}` }),
    asDirectory: () => scopeTo({ setting: 'app.scope', value: 'directory' }),
    end: async () => {
      await Promise.all(connections.map(({ sql }) => sql.end({ timeout: 5 })))
    },
  }
}
