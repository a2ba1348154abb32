/**
 * What a history costs who submits now, and what its removal costs: `npm run bench:retention`.
 *
 * @module
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalPostgres } from '../local/postgres.ts'
import { connect, migrate, type Sql } from '../shared/database/index.ts'
import { removeAllOverdue } from '../shared/retention/index.ts'
import { fillHistory } from '../test/retention/fill-history.ts'
import { fillTasks } from '../test/tasks/fill-tasks.ts'
import { type Arena, openArena } from './lanes/arena.ts'
import { percentiles } from './statistics.ts'

const TENANTS = 20
const EVENTS_A_TASK = 3
const OLD_EVENTS = Number(process.argv[2] ?? 1_000_000)
const ROUNDS = 600
const BATCH = 500
const DAYS = { results_days: 1, artifacts_days: 1, logs_days: 1, events_days: 1, tasks_days: 1 }
const installation = {
  defaults: { ...DAYS, uploads_days: 1, idempotency_keys_days: 1 },
  maxDays: 3_650,
}

const STEPS = ['submit', 'claim', 'end'] as const
type Step = (typeof STEPS)[number]
type Figures = Record<Step, { p50: number; p99: number }>

/** A task's life, one after another: a single caller sees the cost itself, not a queue before it. */
const measure = async (arena: Arena, goOn: (round: number) => boolean): Promise<Figures> => {
  const samples: Record<Step, number[]> = { submit: [], claim: [], end: [] }
  const time = async <T>(step: Step, run: () => Promise<T>): Promise<T> => {
    const start = performance.now()
    const answer = await run()
    samples[step].push(performance.now() - start)
    return answer
  }
  for (let round = 0; goOn(round); round += 1) {
    const tenant = `tenant-${round % TENANTS}`
    await time('submit', () => arena.submit(tenant))
    await arena.admit('default', { tenants: [tenant] })
    const claim = await time('claim', () => arena.claim('default'))
    if (!claim) throw new Error('nothing was admitted')
    await time('end', () => arena.finish(claim, 0.01))
  }
  return {
    submit: percentiles(samples.submit),
    claim: percentiles(samples.claim),
    end: percentiles(samples.end),
  }
}

const countRows = async (sql: Sql): Promise<number> => {
  const [row] = await sql<[{ rows: number }]>`
    select (
      (select count(*) from tasks) + (select count(*) from attempts) + (select count(*) from events)
      + (select count(*) from log_chunks) + (select count(*) from artifacts) + (select count(*) from task_labels)
      + (select count(*) from idempotency_keys) + (select count(*) from uploads)
    )::float as rows`
  return row.rows
}

const directory = await mkdtemp(join(tmpdir(), 'bench-retention-'))
const postgres = await startLocalPostgres(directory)
try {
  const options = { name: 'bench', statementTimeoutMs: 600_000 }
  const sql = connect(postgres.url, { ...options, maxConnections: 2, durability: 'relaxed' })
  const janitor = connect(postgres.url, { ...options, maxConnections: 1 })
  await migrate(sql)
  const arena = await openArena(sql, { default: 16 })
  const rounds = (round: number) => round < ROUNDS

  await measure(arena, rounds)
  const empty = await measure(arena, rounds)
  console.log(`Filling in ${OLD_EVENTS} old events and what belongs to them …`)
  await fillTasks(sql, { tenants: TENANTS, tasksEach: Math.ceil(OLD_EVENTS / EVENTS_A_TASK / TENANTS) })
  await fillHistory(sql)
  // Who waits and runs is not what is measured here.
  await sql`delete from tasks where completed_at is null`
  await measure(arena, rounds)
  const loaded = await measure(arena, rounds)

  const before = await countRows(sql)
  let removing = true
  const { signal } = new AbortController()
  const start = performance.now()
  const removal = removeAllOverdue({ sql: janitor, installation, batch: BATCH, signal }).finally(() => {
    removing = false
  })
  const during = await measure(arena, () => removing)
  await removal
  const seconds = (performance.now() - start) / 1_000
  const removed = before - (await countRows(sql))

  const rows = STEPS.flatMap((step) =>
    (['p50', 'p99'] as const).map((percentile) => ({
      figure: `${step}, ${percentile}, ms`,
      empty: empty[step][percentile],
      loaded: loaded[step][percentile],
      during: during[step][percentile],
      ratio: loaded[step][percentile] / empty[step][percentile],
      goal: percentile === 'p50' ? '≤ 1.2' : '',
    })),
  )
  console.table(
    rows.map(({ figure, empty, loaded, during, ratio, goal }) => ({
      figure,
      empty: empty.toFixed(2),
      'with the history': loaded.toFixed(2),
      'while it is removed': during.toFixed(2),
      ratio: ratio.toFixed(2),
      goal,
    })),
  )
  console.log(
    `Removed ${removed} rows in ${seconds.toFixed(0)} s: ${Math.round(removed / seconds)} rows/s, beside ${(during.submit.p50 ?? 0).toFixed(2)} ms a submission.`,
  )
  const results = new URL('./results/', import.meta.url)
  await mkdir(results, { recursive: true })
  await writeFile(
    new URL('retention.json', results),
    `${JSON.stringify({ rows, removal: { rows: removed, seconds } }, null, 2)}\n`,
  )
  await janitor.end()
  await arena.close()
} finally {
  await postgres.stop()
  await rm(directory, { recursive: true, force: true })
}
