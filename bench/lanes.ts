/**
 * What a lane costs with a million tasks waiting, and how fairly it is shared: `npm run bench:lanes`.
 *
 * @module
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalPostgres } from '../local/postgres.ts'
import { connect, migrate, type Sql } from '../shared/database/index.ts'
import { patchLane } from '../shared/lanes/index.ts'
import { type Arena, openArena } from './lanes/arena.ts'
import { jainIndex, simulate } from './lanes/simulate.ts'
import { percentiles } from './statistics.ts'

const TENANTS = 1_000
const BACKLOG = Number(process.argv[2] ?? 1_000_000)
const ROUNDS = 600
const SLOTS = 16
const NO_LIMITS = { lookahead: 0, tenant_max_in_flight: 100_000 }

const STEPS = ['submit', 'dispatch', 'claim', 'end'] as const
type Step = (typeof STEPS)[number]

/** Median milliseconds of the steps of a task's life. A task is dispatched for twice: when it comes and when it ends. */
const measureCost = async (arena: Arena): Promise<Record<Step, number>> => {
  const samples: Record<Step, number[]> = { submit: [], dispatch: [], claim: [], end: [] }
  for (let round = 0; round < ROUNDS; round += 1) {
    const spent: Record<Step, number> = { submit: 0, dispatch: 0, claim: 0, end: 0 }
    const time = async <T>(step: Step, run: () => Promise<T>) => {
      const start = performance.now()
      const answer = await run()
      spent[step] += performance.now() - start
      return answer
    }
    const tenant = `tenant-${round % TENANTS}`
    await time('submit', () => arena.submit(tenant))
    await time('dispatch', () => arena.admit('default', { tenants: [tenant] }))
    const claim = await time('claim', () => arena.claim('default'))
    if (!claim) throw new Error('nothing was admitted')
    const { lane, news } = await time('end', () => arena.end(claim, 0.01))
    await time('dispatch', () => arena.admit(lane, news))
    for (const step of STEPS) samples[step].push(spent[step])
  }
  const middle = (step: Step) => percentiles(samples[step]).p50
  return {
    submit: middle('submit'),
    dispatch: middle('dispatch'),
    claim: middle('claim'),
    end: middle('end'),
  }
}

const fill = async (sql: Sql, arena: Arena, tasks: number) => {
  const members = await Promise.all(
    Array.from({ length: TENANTS }, (_, index) => arena.member(`tenant-${index}`)),
  )
  const PART = 100_000
  for (let from = 0; from < tasks; from += PART) {
    await sql`
      with member as (
        select * from unnest(
          ${members.map(({ tenantId }) => tenantId)}::uuid[], ${members.map(({ userId }) => userId)}::uuid[]
        ) with ordinality as member (tenant_id, user_id, place)
      ), task as (
        insert into tasks (
          id, tenant_id, user_id, lane, code, handler, inputs, estimated_seconds, estimate_source, cpu, memory_mb,
          timeout_seconds, created_at
        )
        select gen_random_uuid(), tenant_id, user_id, 'default', 'def f(): pass', 'f', '{}', 30, 'tier', 1, 512, 60,
          now() - interval '1 hour'
        from generate_series(${from}::integer, ${Math.min(from + PART, tasks) - 1}::integer) as number
        join member on member.place = number % ${TENANTS} + 1
        returning id, tenant_id
      )
      insert into turns (task_id, lane, tenant_id, stage, turn_at, charge)
      select id, 'default', tenant_id, 'waiting', now() - interval '1 hour' * random(), 30 from task`
    process.stdout.write('.')
  }
  await sql`analyze`
  for (let from = 0; from < TENANTS; from += 100) {
    const tenants = Array.from({ length: 100 }, (_, index) => `tenant-${from + index}`)
    await arena.admit('default', { tenants })
  }
}

const measureSharing = async (arena: Arena) => {
  const tenants = Array.from({ length: 100 }, (_, index) => `sharer-${index}`)
  const secondsOf = (tenant: string) => 1 + (Number(tenant.split('-')[1]) % 10) * 2
  for (const [index, tenant] of tenants.entries()) {
    const seconds = secondsOf(tenant)
    // From 1 to 19 s a task, from just enough of them to a hundred times that, estimated up to three times too high or low.
    const estimate = seconds * 3 ** (((index * 7) % 11) / 5 - 1)
    const enough = Math.ceil(130 / seconds)
    const load = index % 10 === 0 ? 100 : 1
    await arena.submit(
      tenant,
      { estimate: { seconds: estimate, expectedSeconds: estimate, source: 'caller' } },
      Math.min(enough * load, 2_000),
    )
  }
  for (const tenant of tenants) await arena.admit('default', { tenants: [tenant] })
  const { used } = await simulate(arena, 'default', {
    slots: SLOTS,
    durationOf: ({ tenantId }) => secondsOf(arena.tenantOf(tenantId)),
    until: ({ nowSeconds }) => nowSeconds < (100 * 100) / SLOTS,
  })
  return jainIndex(tenants.map((tenant) => used.get(tenant) ?? 0))
}

/** The 99th percentile of a light tenant's waits, on the clock of a simulation: bursts that need several turns of all slots. */
const measureWait = async (arena: Arena, flood: number) => {
  const estimate = { seconds: 1, expectedSeconds: 1, source: 'caller' as const }
  const light = `light-${flood}`
  if (flood > 0) {
    for (let sent = 0; sent < flood; sent += 1_000) await arena.submit('flooder', { estimate }, 1_000)
    await arena.admit('default', { tenants: ['flooder'] })
  }
  const submittedAt = new Map<string, number>()
  let next = 10
  const { starts } = await simulate(arena, 'default', {
    slots: SLOTS,
    durationOf: ({ taskId }) => 0.75 + Number.parseInt(taskId.slice(-4), 16) / 131_072,
    until: ({ nowSeconds }) => nowSeconds < 150,
    arrive: async (nowSeconds) => {
      if (nowSeconds < next) return next
      next += 15
      for (const id of await arena.submit(light, { estimate }, 80)) submittedAt.set(id, nowSeconds)
      await arena.admit('default', { tenants: [light] })
      return next
    },
  })
  return percentiles(
    starts
      .filter(({ tenant }) => tenant === light)
      .map(({ taskId, atSeconds }) => atSeconds - (submittedAt.get(taskId) ?? 0)),
  ).p99
}

const directory = await mkdtemp(join(tmpdir(), 'bench-lanes-'))
const postgres = await startLocalPostgres(directory)
const rows: { figure: string; empty: number; loaded: number; ratio: number; goal: string }[] = []
try {
  const openDatabase = async (name: string): Promise<Sql> => {
    const server = connect(postgres.url, { name: 'bench', maxConnections: 1 })
    await server.unsafe(`create database ${name}`)
    await server.end()
    const sql = connect(new URL(name, postgres.url).href, {
      name: 'bench',
      maxConnections: 4,
      durability: 'relaxed',
      statementTimeoutMs: 300_000,
    })
    await migrate(sql)
    return sql
  }
  const withArena = async <T>(name: string, use: (arena: Arena, sql: Sql) => Promise<T>): Promise<T> => {
    const sql = await openDatabase(name)
    const arena = await openArena(sql, { default: SLOTS })
    await patchLane(sql, 'default', NO_LIMITS)
    try {
      return await use(arena, sql)
    } finally {
      await arena.close()
    }
  }

  await withArena('backlog', async (arena, sql) => {
    await Promise.all(Array.from({ length: TENANTS }, (_, index) => arena.member(`tenant-${index}`)))
    await measureCost(arena)
    const empty = await measureCost(arena)
    process.stdout.write(`Filling a lane with ${BACKLOG} tasks of ${TENANTS} tenants `)
    await fill(sql, arena, BACKLOG)
    console.log()
    await measureCost(arena)
    const loaded = await measureCost(arena)
    for (const step of STEPS) {
      rows.push({
        figure: `${step}, p50, ms`,
        empty: empty[step],
        loaded: loaded[step],
        ratio: loaded[step] / empty[step],
        goal: '≤ 1.2',
      })
    }
  })
  const jain = await withArena('sharing', measureSharing)
  rows.push({
    figure: "Jain's index, 100 tenants of very unequal load",
    empty: 1,
    loaded: jain,
    ratio: jain,
    goal: '≥ 0.99',
  })
  const alone = await withArena('alone', (arena) => measureWait(arena, 0))
  const beside = await withArena('beside', (arena) => measureWait(arena, 10_000))
  rows.push({
    figure: "a light tenant's p99 wait beside a flood of 10,000, s",
    empty: alone,
    loaded: beside,
    ratio: beside / alone,
    goal: '≤ 2',
  })
} finally {
  await postgres.stop()
  await rm(directory, { recursive: true, force: true })
}

console.table(
  rows.map((row) => ({
    ...row,
    empty: row.empty.toFixed(3),
    loaded: row.loaded.toFixed(3),
    ratio: row.ratio.toFixed(3),
  })),
)
const results = new URL('./results/', import.meta.url)
await mkdir(results, { recursive: true })
await writeFile(new URL('lanes.json', results), `${JSON.stringify(rows, null, 2)}\n`)
