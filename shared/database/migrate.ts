import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { PlatformError } from '../errors.ts'
import type { Sql } from './connect.ts'

/** Key of the advisory lock that lets one process migrate at a time: "mecapy" as ASCII in a 64-bit integer. */
const MIGRATION_LOCK = '120265281630329'

type Migration = { version: number; name: string; text: string; sha256: string }

const readMigrations = async (directory: URL): Promise<Migration[]> => {
  const names = (await readdir(directory)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort()
  return await Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, directory), 'utf8')
      return {
        version: Number(name.slice(0, 4)),
        name,
        text,
        sha256: createHash('sha256').update(text).digest('hex'),
      }
    }),
  )
}

const checkHistory = (
  migrations: Migration[],
  applied: { version: number; name: string; sha256: string }[],
) => {
  for (const row of applied) {
    const migration = migrations.find(({ version }) => version === row.version)
    if (!migration) {
      throw new PlatformError(
        'MISCONFIGURED',
        `The database has migration ${row.name}, which this release does not know: run a release that is at least as new.`,
      )
    }
    if (migration.sha256 !== row.sha256) {
      throw new PlatformError(
        'MISCONFIGURED',
        `Migration ${row.name} was changed after it ran here: restore the file and put the change in a new migration.`,
      )
    }
  }
}

/**
 * Brings the schema up to date: every migration in order, each in its own transaction, one process at a time.
 * Running it again, or from several processes at once, does the work once.
 *
 * @returns the names of the migrations that this call ran
 * @throws `MISCONFIGURED` when the database is newer than this release or an applied migration was edited
 */
export const migrate = async (
  sql: Sql,
  directory: URL = new URL('./migrations/', import.meta.url),
): Promise<string[]> => {
  const migrations = await readMigrations(directory)
  // The driver would wait for ever to reserve a connection that is not open yet.
  await sql`select 1`
  const connection = await sql.reserve()
  try {
    await connection`select pg_advisory_lock(${MIGRATION_LOCK}::bigint)`
    await connection`
      create table if not exists schema_migrations (
        version integer primary key,
        name text not null,
        sha256 text not null,
        applied_at timestamptz not null default now()
      )`
    const applied = await connection<{ version: number; name: string; sha256: string }[]>`
      select version, name, sha256 from schema_migrations order by version`
    checkHistory(migrations, applied)
    const done = new Set(applied.map(({ version }) => version))
    const pending = migrations.filter(({ version }) => !done.has(version))
    for (const migration of pending) {
      // One simple-protocol message is one transaction, so a failing migration leaves nothing of itself.
      await connection
        .unsafe(
          `begin; ${migration.text};
         insert into schema_migrations (version, name, sha256)
         values (${migration.version}, '${migration.name}', '${migration.sha256}'); commit;`,
        )
        .catch(async (error: unknown) => {
          await connection.unsafe('rollback')
          throw error
        })
    }
    return pending.map(({ name }) => name)
  } finally {
    await connection`select pg_advisory_unlock(${MIGRATION_LOCK}::bigint)`.catch(() => {})
    connection.release()
  }
}
