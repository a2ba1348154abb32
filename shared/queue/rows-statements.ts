import type { Sql } from 'postgres'
import type { Lane } from '../lanes/index.ts'
import type { Hint } from './port.ts'

/** A hint in a consumer's hands, by its place in the order of all hints. */
export type TakenHint = Hint & { position: string }

/** Whoever listens here looks for hints of the lane. */
export const laneChannel = (lane: Lane): string => `queue_${lane}`

/** Serialises the processes that create the tables: "queue" as ASCII. */
const CREATE_LOCK = '487014327653'

/**
 * Creates the tables unless they are there. They are unlogged: no write waits for the disk, and a crash of the
 * server empties them, which the janitor repairs like every other lost hint. So their shape needs no migrations
 * either: a new one takes a new schema name.
 */
export const createTables = async (sql: Sql): Promise<void> => {
  const [found] = await sql`select to_regclass('queue.consumers') is not null as ready`
  if (found?.['ready']) return
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${CREATE_LOCK}::bigint)`
    await transaction`create schema if not exists queue`
    await transaction`
      create unlogged table if not exists queue.hints (
        position bigint generated always as identity primary key,
        lane text not null,
        task_id text not null,
        attempt integer not null,
        holder uuid,
        taken_at timestamptz,
        unique (task_id, attempt, lane)
      ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)`
    await transaction`
      create index if not exists hints_next on queue.hints (lane, position) where holder is null`
    await transaction`
      create index if not exists hints_held on queue.hints (holder) where holder is not null`
    await transaction`
      create unlogged table if not exists queue.consumers (
        id uuid primary key,
        alive_until timestamptz not null
      )`
  })
}

const asArray = (positions: readonly string[]) => `{${positions.join(',')}}`

/**
 * Adds hints that are not there yet and wakes the lane's consumers. The positions follow the given order; the
 * insertion follows the key, so that two callers with the same hints in different orders cannot block each other.
 */
export const addHints = (sql: Sql, lane: Lane, hints: readonly Hint[]) => sql`
  with given as materialized (
    select "taskId" as task_id, attempt, nextval('queue.hints_position_seq') as position
    from json_to_recordset(${JSON.stringify(hints)}::text::json) as given ("taskId" text, attempt integer)
  ), added as (
    insert into queue.hints (position, lane, task_id, attempt)
    overriding system value
    select position, ${lane}, task_id, attempt
    from given
    order by task_id, attempt
    on conflict do nothing
    returning 1
  )
  select pg_notify(${laneChannel(lane)}, '')
  from added
  limit 1`

/** One round trip for a consumer's whole turn: lets go of what it has handled and takes the next `limit`, oldest first. */
export const exchangeHints = async (
  sql: Sql,
  holder: string,
  lane: Lane,
  handled: readonly string[],
  limit: number,
): Promise<TakenHint[]> => {
  const rows = await sql<TakenHint[]>`
    with handled as (
      delete from queue.hints
      where position = any(${asArray(handled)}::bigint[]) and holder = ${holder}
    ), next as (
      select position
      from queue.hints
      where lane = ${lane} and holder is null
      order by position
      limit ${limit}
      for update skip locked
    )
    update queue.hints as hints
    set holder = ${holder}, taken_at = clock_timestamp()
    from next
    where hints.position = next.position
    returning hints.position, hints.task_id as "taskId", hints.attempt`
  return rows.sort((a, b) => Number(BigInt(a.position) - BigInt(b.position)))
}

/**
 * Says that a consumer lives and what it holds, and puts back in their place of the order: what the dead hold, and
 * what this one was given but never heard of, because the connection broke under the answer.
 * `skip locked` wherever rows of others are touched: two consumers that do this at once never wait for each other.
 */
export const reportAlive = (sql: Sql, holder: string, held: readonly string[], silenceMs: number) => sql`
  with silence as (
    select ${silenceMs} * interval '1 millisecond' as duration
  ), alive as (
    insert into queue.consumers (id, alive_until)
    select ${holder}, clock_timestamp() + duration from silence
    on conflict (id) do update set alive_until = excluded.alive_until
  ), dead as (
    delete from queue.consumers
    where id in (
      select id from queue.consumers
      where id <> ${holder} and alive_until < clock_timestamp()
      for update skip locked
    )
  ), abandoned as (
    select position
    from queue.hints, silence
    where holder is not null and case
      when holder = ${holder} then taken_at < clock_timestamp() - duration and position <> all(${asArray(held)}::bigint[])
      else not exists (select from queue.consumers where id = holder and alive_until >= clock_timestamp())
    end
    for update of hints skip locked
  ), returned as (
    update queue.hints as hints
    set holder = null
    from abandoned
    where hints.position = abandoned.position
    returning hints.lane
  )
  select pg_notify('queue_' || lane, '')
  from (select distinct lane from returned) as lanes`

/** Says that a consumer is gone, so that nobody waits for its silence. */
export const reportGone = (sql: Sql, holder: string) => sql`
  delete from queue.consumers where id = ${holder}`

export const countHints = (sql: Sql, lane: Lane) => sql<{ waiting: number; active: number }[]>`
  select
    count(*) filter (where holder is null)::integer as waiting,
    count(*) filter (where holder is not null)::integer as active
  from queue.hints
  where lane = ${lane}`
