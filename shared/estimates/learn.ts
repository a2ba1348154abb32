import type { Sql } from '../database/index.ts'
import { applyChanges, type Change, listChanges, type Observation } from './observation.ts'
import { nameKey, readHistories } from './read-histories.ts'
import { forgetOldest, type NewHistory, writeHistories } from './write-histories.ts'

/** Others write too; whoever is overtaken so often gives up. */
const MAX_TRIES = 5

const groupBySubject = (changes: readonly Change[]): Change[][] => [...Map.groupBy(changes, nameKey).values()]

const addToHistories = async (sql: Sql, groups: readonly Change[][]): Promise<NewHistory[]> => {
  const keys = groups.flatMap(([first]) => (first ? [first] : []))
  const stored = await readHistories(sql, keys)
  return stored.flatMap(({ history, revision }, index) => {
    const [first] = groups[index] ?? []
    if (!first) return []
    const { tenantId, subject } = first
    return [{ tenantId, subject, revision, history: applyChanges(history, groups[index] ?? []) }]
  })
}

/**
 * Adds observations to the histories they belong to, correctly also while others do: reads, adds, and writes what nobody
 * has changed meanwhile; the rest is done again. No lock is held in between.
 *
 * @returns how many histories it gave up on because others were always quicker
 */
export const learn = async (
  sql: Sql,
  observations: readonly Observation[],
  { maxHistoriesPerTenant }: { maxHistoriesPerTenant: number },
): Promise<number> => {
  let groups = groupBySubject(observations.flatMap(listChanges))
  const grown = new Set<string>()
  for (let tries = 0; tries < MAX_TRIES && groups.length > 0; tries += 1) {
    const { overtaken, grownTenants } = await writeHistories(sql, await addToHistories(sql, groups))
    for (const tenantId of grownTenants) grown.add(tenantId)
    const left = new Set(overtaken.map(nameKey))
    groups = groups.filter(([first]) => first && left.has(nameKey(first)))
  }
  if (grown.size > 0) await forgetOldest(sql, [...grown], maxHistoriesPerTenant)
  return groups.length
}
