import type { Sql } from './connect.ts'

/** What one process tells the others; the payload is an id, the rows are the truth. */
export type Channel = 'task_ended' | 'task_cancelled'

/**
 * Calls `heard` with each payload, over one connection of its own that reconnects by itself.
 * A wake-up sent while the connection was down is lost: `reconnected` says when to look at the rows again.
 */
export const listen = async (
  sql: Sql,
  channel: Channel,
  heard: (payload: string) => void,
  reconnected: () => void = () => {},
): Promise<{ stop(): Promise<void> }> => {
  let first = true
  const subscription = await sql.listen(channel, heard, () => {
    if (!first) reconnected()
    first = false
  })
  return { stop: () => subscription.unlisten() }
}

/**
 * Wakes the listeners of a channel. Sent in a statement of its own, after the commit it tells of: a NOTIFY inside a
 * writing transaction holds a lock over the commit's fsync and so puts all commits of the database in a row.
 */
export const notify = async (sql: Sql, channel: Channel, payload: string): Promise<void> => {
  await sql`select pg_notify(${channel}, ${payload})`
}
