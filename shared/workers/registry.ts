import type { Sql } from '../database/index.ts'
import type { Registration, SandboxCount, Worker } from './worker.ts'

/** What a worker says whenever it beats. */
export type Beat = { aliveSeconds: number; draining: boolean; sandboxes: SandboxCount }

const aliveUntil = (sql: Sql, seconds: number) => sql`now() + make_interval(secs => ${seconds})`

/** Makes a worker known, or known again when it had been taken for dead. */
export const registerWorker = async (sql: Sql, worker: Registration, beat: Beat): Promise<void> => {
  const { id, name, kind, slots, selfTest, version } = worker
  await sql`
    insert into workers (id, name, kind, alive_until, draining, slots, engine, level, self_test, sandboxes, version)
    values (
      ${id}, ${name}, ${kind}, ${aliveUntil(sql, beat.aliveSeconds)}, ${beat.draining}, ${sql.json(slots)},
      ${selfTest.engine}, ${selfTest.level}, ${sql.json(selfTest)}, ${sql.json(beat.sandboxes)}, ${version}
    )
    on conflict (id) do update
    set alive_until = excluded.alive_until, draining = excluded.draining, sandboxes = excluded.sandboxes`
}

/**
 * Says that a worker lives, by the database's clock, in one statement and one round trip.
 *
 * @returns `false` when it had been taken for dead and removed: it has to register again
 */
export const reportAlive = async (sql: Sql, id: string, beat: Beat): Promise<boolean> => {
  const { count } = await sql`
    update workers
    set
      alive_until = ${aliveUntil(sql, beat.aliveSeconds)},
      -- Two beats may overtake each other, and nobody stops draining.
      draining = draining or ${beat.draining},
      sandboxes = ${sql.json(beat.sandboxes)}
    where id = ${id}`
  return count > 0
}

export const removeWorker = async (sql: Sql, id: string): Promise<void> => {
  await sql`delete from workers where id = ${id}`
}

/** Forgets the workers that have been silent for so long beyond what they promised. */
export const removeLostWorkers = async (
  sql: Sql,
  { silentSeconds }: { silentSeconds: number },
): Promise<{ id: string; name: string }[]> =>
  await sql<{ id: string; name: string }[]>`
    delete from workers
    where alive_until < now() - make_interval(secs => ${silentSeconds})
    returning id, name`

/** Every worker that lives, and those lost lately; the longest-lived first. */
export const listWorkers = async (sql: Sql): Promise<Worker[]> =>
  await sql<Worker[]>`
    select
      id,
      name,
      kind,
      case when alive_until < now() then 'lost' when draining then 'draining' else 'alive' end as state,
      started_at as "startedAt",
      alive_until as "aliveUntil",
      slots,
      self_test as "selfTest",
      sandboxes,
      version
    from workers
    order by started_at, id`
