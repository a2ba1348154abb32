import type { Sql } from './connect.ts'

/** What a login may see: `gateway`, the tenants it names; `platform`, all of them; `queue`, its own schema and nothing else. */
export type LoginKind = 'gateway' | 'platform' | 'queue'

export type Login = { kind: LoginKind; name: string; password: string }

const QUEUE_SCHEMA = 'queue'

/** Creates a process's login, or gives it the password and the rights that it should have. */
export const provisionLogin = async (sql: Sql, { kind, name, password }: Login): Promise<void> => {
  await sql.begin(async (transaction) => {
    // One at a time: two that make the same role at once would fail.
    await transaction`select pg_advisory_xact_lock(hashtext('provision login'))`
    const [found] = await transaction`select from pg_roles where rolname = ${name}`
    // These statements take no parameters; format() quotes.
    const [{ role, secret, database }] = await transaction<
      [{ role: string; secret: string; database: string }]
    >`
      select quote_ident(${name}) as role, quote_literal(${password}) as secret, quote_ident(current_database()) as database`
    const attributes = 'login inherit nosuperuser nobypassrls nocreatedb nocreaterole'
    await transaction.unsafe(`${found ? 'alter' : 'create'} role ${role} ${attributes} password ${secret}`)
    await transaction.unsafe(`grant connect on database ${database} to ${role}`)
    if (kind === 'queue') {
      // It makes its tables itself, in a schema of its own; what another login has made it could not use.
      const [schema] = await transaction`
        select from pg_namespace where nspname = ${QUEUE_SCHEMA} and nspowner <> ${name}::regrole`
      if (schema) await transaction.unsafe(`drop schema ${QUEUE_SCHEMA} cascade`)
      await transaction.unsafe(`grant create on database ${database} to ${role}`)
    } else {
      await transaction.unsafe(`grant mecapy_${kind} to ${role}`)
    }
  })
}
