import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { connect, migrate, type Sql } from '../../shared/database/index.ts'
import { createDatabase } from '../services/postgres.ts'

const opened: Sql[] = []
const openEmpty = async (connections = 1) => {
  const url = await createDatabase({ migrated: false })
  const pools = Array.from({ length: connections }, () => connect(url, { name: 'test', maxConnections: 2 }))
  opened.push(...pools)
  return pools as [Sql, ...Sql[]]
}
afterAll(() => Promise.all(opened.map((sql) => sql.end())))

const withMigrations = async (files: Record<string, string>, use: (directory: URL) => Promise<void>) => {
  const directory = await mkdtemp(join(tmpdir(), 'migrations-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  await use(pathToFileURL(`${directory}/`)).finally(() => rm(directory, { recursive: true }))
}

test('a second run has nothing left to do', async () => {
  const [sql] = await openEmpty()
  expect(await migrate(sql)).toContain('0001_spine.sql')
  expect(await migrate(sql)).toEqual([])
})

test('of many that migrate at once, one does each migration', async () => {
  const pools = await openEmpty(6)
  const ran = await Promise.all(pools.map((sql) => migrate(sql)))
  expect(ran.flat().filter((name) => name === '0001_spine.sql')).toHaveLength(1)
})

test('a migration that fails leaves nothing of itself, and those before it stay', async () => {
  const [sql] = await openEmpty()
  const files = {
    '0001_a.sql': 'create table a (x int);',
    '0002_b.sql': 'create table b (x int); select 1/0;',
  }
  await withMigrations(files, async (directory) => {
    await expect(migrate(sql, directory)).rejects.toThrow('division by zero')
    const tables = await sql<{ name: string }[]>`
      select table_name as name from information_schema.tables where table_schema = 'public' order by 1`
    expect(tables.map(({ name }) => name)).toEqual(['a', 'schema_migrations'])
  })
})

test('a migration that was edited after it ran is refused', async () => {
  const [sql] = await openEmpty()
  await withMigrations(
    { '0001_a.sql': 'create table a (x int);' },
    async (directory) => void (await migrate(sql, directory)),
  )
  await withMigrations({ '0001_a.sql': 'create table a (y int);' }, async (directory) => {
    await expect(migrate(sql, directory)).rejects.toMatchObject({ code: 'MISCONFIGURED' })
  })
})

test('a database that is newer than the release is refused', async () => {
  const [sql] = await openEmpty()
  const files = { '0001_a.sql': 'select 1;', '0002_b.sql': 'select 1;' }
  await withMigrations(files, async (directory) => void (await migrate(sql, directory)))
  await withMigrations({ '0001_a.sql': 'select 1;' }, async (directory) => {
    await expect(migrate(sql, directory)).rejects.toThrow('0002_b.sql')
  })
})
