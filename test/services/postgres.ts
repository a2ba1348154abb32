import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, inject } from 'vitest'
import { connect, type Sql } from '../../shared/database/index.ts'
import { TEMPLATE_DATABASE, TEST_LOGINS } from './run-postgres.ts'

/** How long a closed connection may take to leave the server. */
const GOODBYE_MS = 3_000

const created: string[] = []

const withServer = async <T>(use: (sql: Sql) => Promise<T>): Promise<T> => {
  const sql = connect(inject('postgresUrl'), { name: 'test databases', maxConnections: 1 })
  try {
    return await use(sql)
  } finally {
    await sql.end()
  }
}

/**
 * Creates a database for the calling test file, migrated unless told otherwise, and returns its URL. It is dropped
 * after the file's last test; a connection that is still open by then fails the file.
 */
export const createDatabase = async (options: { migrated?: boolean } = {}): Promise<string> => {
  const name = `test_${randomBytes(6).toString('hex')}`
  const template = options.migrated === false ? 'template0' : TEMPLATE_DATABASE
  await withServer((sql) => sql.unsafe(`create database ${name} template ${template}`))
  created.push(name)
  return new URL(name, inject('postgresUrl')).href
}

/** The same database for a process's login, which row-level security holds for; `createDatabase` gives its owner's. */
export const loginUrl = (databaseUrl: string, kind: keyof typeof TEST_LOGINS): string => {
  const url = new URL(databaseUrl)
  url.username = TEST_LOGINS[kind].name
  url.password = TEST_LOGINS[kind].password
  return url.href
}

const listConnections = (sql: Sql, database: string) => sql<{ name: string; query: string }[]>`
  select application_name as name, left(query, 120) as query
  from pg_stat_activity
  where datname = ${database}`

const dropDatabase = async (sql: Sql, name: string): Promise<string[]> => {
  const deadline = performance.now() + GOODBYE_MS
  let open = await listConnections(sql, name)
  while (open.length > 0 && performance.now() < deadline) {
    await delay(20)
    open = await listConnections(sql, name)
  }
  await sql.unsafe(`drop database ${name} with (force)`)
  return open.map((connection) => `${connection.name}: ${connection.query}`)
}

// Registered while the test file is being read, so it runs after the file's own hooks.
afterAll(async () => {
  if (created.length === 0) return
  const leaks = await withServer(async (sql) => {
    const found: string[] = []
    for (const name of created.splice(0)) found.push(...(await dropDatabase(sql, name)))
    return found
  })
  if (leaks.length > 0) throw new Error(`database connections left open:\n${leaks.join('\n')}`)
}, 30_000)
