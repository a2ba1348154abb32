import { expect, test } from 'vitest'
import { connect } from '../../shared/database/index.ts'
import { createDatabase } from './postgres.ts'

const listTables = async (url: string): Promise<string[]> => {
  const sql = connect(url, { name: 'test', maxConnections: 1 })
  const rows = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public'`
  await sql.end()
  return rows.map(({ name }) => name)
}

test('a test file gets a migrated database of its own', async () => {
  const [first, second] = await Promise.all([createDatabase(), createDatabase()])
  expect(first).not.toBe(second)
  expect(await listTables(first)).toContain('tasks')
  expect(await listTables(second)).toContain('schema_migrations')
})

test('a database can be had empty', async () => {
  expect(await listTables(await createDatabase({ migrated: false }))).toEqual([])
})
