import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LocalPostgres, startLocalPostgres } from '../../local/postgres.ts'
import { type ConnectOptions, connect, migrate, type Sql } from '../../shared/database/index.ts'
import { confirmClaim } from '../../shared/tasks/claim-task.ts'
import { submitTasks } from '../../shared/tasks/index.ts'
import { admitAndClaim } from '../tasks/admit.ts'
import { createMember, newTask } from '../tasks/new-task.ts'

const TIMEOUT_MS = 60_000
/** A server that writes what nobody waits for as late as it may. */
const SETTINGS = { wal_writer_delay: '10s' }

let directory: string
let server: LocalPostgres
const open: Sql[] = []
const openPool = (durability: ConnectOptions['durability'] & string): Sql => {
  const sql = connect(server.url, { name: 'test', maxConnections: 1, durability })
  open.push(sql)
  return sql
}
const closePools = () => Promise.all(open.splice(0).map((sql) => sql.end({ timeout: 0 })))

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'forgotten-claim-'))
  server = await startLocalPostgres(directory, { settings: SETTINGS })
  await migrate(openPool('strict'))
}, TIMEOUT_MS)
afterEach(async () => {
  await closePools()
  await server.stop()
  await rm(directory, { recursive: true })
})

const crash = async () => {
  process.kill(server.pid, 'SIGKILL')
  await closePools()
  server = await startLocalPostgres(directory, { settings: SETTINGS })
}
const submit = async (): Promise<string> => {
  const sql = openPool('strict')
  const task = newTask()
  await submitTasks(sql, [{ member: await createMember(sql), task }])
  return task.id
}
const statusOf = async (id: string) => {
  const [task] = await openPool('strict')<{ status: string }[]>`select status from tasks where id = ${id}`
  return task?.status
}

test('a claim that a crash of the database forgot is given again: its task waits', {
  timeout: TIMEOUT_MS,
}, async () => {
  const id = await submit()
  const claim = await admitAndClaim(openPool('relaxed'), id)
  await crash()
  expect(await statusOf(id)).toBe('queued')
  expect(await confirmClaim(openPool('strict'), claim)).toBe(false)
})

test('a confirmed claim is not forgotten', { timeout: TIMEOUT_MS }, async () => {
  const id = await submit()
  const claim = await admitAndClaim(openPool('relaxed'), id)
  expect(await confirmClaim(openPool('strict'), claim)).toBe(true)
  await crash()
  expect(await statusOf(id)).toBe('running')
})
