import type { Sql } from '../database/index.ts'
import { EMPTY_HISTORY, type History, readHistory } from './history.ts'

export type HistoryKey = { tenantId: string; subject: string }
export type StoredHistory = { history: History; revision: number }

const ABSENT: StoredHistory = { history: EMPTY_HISTORY, revision: 0 }

/** One text for a key, for maps. */
export const nameKey = ({ tenantId, subject }: HistoryKey): string => `${tenantId} ${subject}`

/** Reads any number of histories in one statement, in order; one that is not there is empty and has revision 0. */
export const readHistories = async (sql: Sql, keys: readonly HistoryKey[]): Promise<StoredHistory[]> => {
  const rows = await sql<(HistoryKey & History & { revision: string })[]>`
    select tenant_id as "tenantId", subject, revision, cells, weights, streak
    from runtime_histories
    join unnest(
      ${keys.map(({ tenantId }) => tenantId)}::uuid[],
      ${keys.map(({ subject }) => subject)}::text[]
    ) as wanted (tenant_id, subject) using (tenant_id, subject)`
  const found = new Map(
    rows.map((row) => [nameKey(row), { history: readHistory(row), revision: Number(row.revision) }]),
  )
  return keys.map((key) => found.get(nameKey(key)) ?? ABSENT)
}
