import type { Sql } from '../database/index.ts'
import { type HistoryKey, nameKey, type StoredHistory } from './read-histories.ts'

/** A history to write, and the revision that it was made from. */
export type NewHistory = HistoryKey & StoredHistory

/** PostgreSQL's notation of an array; `unnest` would flatten an array of arrays. */
const toArrayText = (numbers: readonly number[]) => `{${numbers.join(',')}}`

export type Written = {
  /** Those that somebody else had changed since they were read. */
  overtaken: NewHistory[]
  /** The tenants that have more histories now. */
  grownTenants: string[]
}

/**
 * Writes histories whose revision is still the one they were made from, in one statement. Rows are locked in the order of
 * their keys, so that two writers cannot wait for each other.
 */
export const writeHistories = async (sql: Sql, histories: readonly NewHistory[]): Promise<Written> => {
  const rows = await sql<(HistoryKey & { isNew: boolean })[]>`
    insert into runtime_histories (tenant_id, subject, revision, cells, weights, streak)
    select tenant_id, subject, revision + 1, cells::integer[], weights::real[], streak
    from unnest(
      ${histories.map(({ tenantId }) => tenantId)}::uuid[],
      ${histories.map(({ subject }) => subject)}::text[],
      ${histories.map(({ revision }) => revision)}::bigint[],
      ${histories.map(({ history }) => toArrayText(history.cells))}::text[],
      ${histories.map(({ history }) => toArrayText(history.weights))}::text[],
      ${histories.map(({ history }) => history.streak)}::smallint[]
    ) as new (tenant_id, subject, revision, cells, weights, streak)
    order by tenant_id, subject
    on conflict (tenant_id, subject) do update
    set
      revision = excluded.revision,
      cells = excluded.cells,
      weights = excluded.weights,
      streak = excluded.streak,
      updated_at = now()
    where runtime_histories.revision = excluded.revision - 1
    returning tenant_id as "tenantId", subject, xmax = 0 as "isNew"`
  const written = new Set(rows.map(nameKey))
  return {
    overtaken: histories.filter((history) => !written.has(nameKey(history))),
    grownTenants: [...new Set(rows.filter(({ isNew }) => isNew).map(({ tenantId }) => tenantId))],
  }
}

/** Forgets the histories of these tenants that were longest without an observation, down to the number they may keep. */
export const forgetOldest = async (
  sql: Sql,
  tenantIds: readonly string[],
  maxHistoriesPerTenant: number,
): Promise<void> => {
  // One that another process is writing, or forgetting, is left to it: nobody waits here.
  await sql`
    delete from runtime_histories
    where (tenant_id, subject) in (
      select tenant_id, subject
      from runtime_histories
      where (tenant_id, subject) in (
        select tenant_id, subject
        from (
          select tenant_id, subject, row_number() over (partition by tenant_id order by updated_at desc, subject) as rank
          from runtime_histories
          where tenant_id = any (${[...tenantIds]}::uuid[])
        ) ranked
        where rank > ${maxHistoriesPerTenant}
      )
      for update skip locked
    )`
}
