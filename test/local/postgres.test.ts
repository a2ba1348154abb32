import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LocalPostgres, startLocalPostgres } from '../../local/postgres.ts'
import { connect } from '../../shared/database/index.ts'

let directory: string
let server: LocalPostgres | undefined
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'local-postgres-'))
})
afterEach(async () => {
  await server?.stop()
  await rm(directory, { recursive: true })
})

const query = async (text: string): Promise<Record<string, unknown>[]> => {
  const sql = connect(server?.url ?? '', { name: 'test', maxConnections: 1 })
  try {
    return await sql.unsafe(text)
  } finally {
    await sql.end()
  }
}
const start = async () => {
  server = await startLocalPostgres(directory)
}

test('data is kept between runs', { timeout: 60_000 }, async () => {
  await start()
  await query('create table kept as select 1 as x')
  await server?.stop()
  await start()
  expect(await query('select x from kept')).toEqual([{ x: 1 }])
})

test('a server that was killed starts again with all that was committed', { timeout: 60_000 }, async () => {
  await start()
  await query('create table kept as select 1 as x')
  process.kill(server?.pid ?? 0, 'SIGKILL')
  await start()
  expect(await query('select x from kept')).toEqual([{ x: 1 }])
})

test('sessions that outlive their killed server only delay the next start', { timeout: 60_000 }, async () => {
  await start()
  await query('create table kept as select 1 as x')
  const sql = connect(server?.url ?? '', { name: 'test', maxConnections: 1 })
  const [session] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
  const pid = session?.pid ?? 0
  process.kill(pid, 'SIGSTOP')
  try {
    process.kill(server?.pid ?? 0, 'SIGKILL')
    server = await startLocalPostgres(directory, {
      onLog: (text) => {
        if (text.includes('pre-existing shared memory block')) process.kill(pid, 'SIGCONT')
      },
    })
  } catch (error) {
    process.kill(pid, 'SIGKILL')
    throw error
  } finally {
    await sql.end()
  }
  expect(await query('select x from kept')).toEqual([{ x: 1 }])
})

test('a server whose supervisor was killed is ended before another opens its data', {
  timeout: 60_000,
}, async () => {
  await start()
  const orphan = server
  await query('create table kept as select 1 as x')
  await start()
  expect(await query('select x from kept')).toEqual([{ x: 1 }])
  expect(server?.pid).not.toBe(orphan?.pid)
  await expect(async () => process.kill(orphan?.pid ?? 0, 0)).rejects.toThrow('ESRCH')
})
