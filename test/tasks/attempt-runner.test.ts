import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { connect, notify, type Sql } from '../../shared/database/index.ts'
import { admitTurns } from '../../shared/lanes/admit-turns.ts'
import type { Sandboxes } from '../../shared/sandbox/index.ts'
import { type ObjectStore, openStore } from '../../shared/storage/index.ts'
import { type AttemptRunnerOptions, startAttemptRunner } from '../../shared/tasks/attempt-runner.ts'
import { type AttemptRunner, cancelTasks, getTask, submitTasks } from '../../shared/tasks/index.ts'
import type { Logger } from '../../shared/telemetry/logger.ts'
import type { Member } from '../../shared/tenants/index.ts'
import { startFaultyNetwork } from '../queue/faulty-network.ts'
import { environment, openTestSandboxes, quietLogger } from '../sandbox/run-task.ts'
import { createDatabase } from '../services/postgres.ts'
import { addWorker } from './admit.ts'
import { createMember, newTask } from './new-task.ts'

/** A beat comes every 200 seconds: what is seen here does not come from one. */
const LEASE_SECONDS = 600
const TIMEOUT_MS = 60_000
const PATIENT = { timeout: 40_000, interval: 20 }
const storeOptions = {
  publicUrl: 'http://localhost',
  signingKeys: ['signing-key-of-a-test-0123456789abcdef'],
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
}

let url: string
let sql: Sql
let member: Member
let sandboxes: Sandboxes
let directory: string
let store: ObjectStore
beforeAll(async () => {
  url = await createDatabase()
  sql = connect(url, { name: 'test' })
  member = await createMember(sql)
  await addWorker(sql, { default: 100 })
  directory = await mkdtemp(join(tmpdir(), 'runner-'))
  store = await openStore(pathToFileURL(directory).href, storeOptions)
  sandboxes = await openTestSandboxes()
}, 60_000)
afterAll(async () => {
  await sandboxes.close()
  await store.close()
  await sql.end()
  await rm(directory, { recursive: true })
})

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const startRunner = async (
  view: (relaxedSql: Sql) => Sql = (relaxedSql) => relaxedSql,
  options: Partial<AttemptRunnerOptions> = {},
): Promise<AttemptRunner> => {
  const relaxedSql = connect(url, { name: 'test runner' })
  const runner = await startAttemptRunner({
    sql,
    relaxedSql: view(relaxedSql),
    dispatcher: { tell: () => {} },
    learning: { observe: () => {} },
    store,
    sandboxes,
    environment,
    environments: undefined,
    logger: quietLogger,
    worker: 'test',
    leaseSeconds: LEASE_SECONDS,
    maxOverruns: 1,
    maxInlineBytes: 65_536,
    maxJsonDepth: 100,
    ...options,
  })
  cleanUps.push(
    () => relaxedSql.end(),
    () => runner.stop(0),
  )
  return runner
}

const submit = async (code: string): Promise<string> => {
  const task = newTask({ code, handler: 'main', inputs: { text: '{}' } })
  await submitTasks(sql, [{ member, task }])
  await admitTurns(
    sql,
    'default',
    { settlements: [{ tenantId: member.tenantId, seconds: 0 }], freedKeys: [] },
    10,
  )
  return task.id
}
const statusOf = async (id: string) => (await getTask(sql, member.tenantId, id))?.status
const cancel = async (id: string) => {
  await cancelTasks(sql, member.tenantId, [id])
  await notify(sql, 'task_cancelled', id)
}
const ENDLESS = 'def main():\n    while True:\n        pass\n'

test('a cancellation that overtakes the answer to the claim stops the attempt', {
  timeout: TIMEOUT_MS,
}, async () => {
  const heard = Promise.withResolvers<void>()
  const holdClaims = (relaxedSql: Sql): Sql =>
    new Proxy(relaxedSql, {
      apply: (target, self, args: [TemplateStringsArray, ...unknown[]]) => {
        const query = Reflect.apply(target, self, args)
        if (!args[0][0]?.includes('with head as')) return query
        query.execute()
        return heard.promise.then(() => query)
      },
      get: (target, name) =>
        name === 'listen'
          ? (channel: string, hear: (payload: string) => void, ready: () => void) =>
              target.listen(
                channel,
                (payload) => {
                  hear(payload)
                  heard.resolve()
                },
                ready,
              )
          : Reflect.get(target, name),
    })
  const runner = await startRunner(holdClaims)
  const id = await submit(ENDLESS)
  const ran = runner.run({ taskId: id })
  await expect.poll(() => statusOf(id), PATIENT).toBe('running')
  await cancel(id)
  expect(await ran).toBe(true)
  expect(await statusOf(id)).toBe('cancelled')
})

test('a cancellation said while the listener’s connection was down is found out when it is back', {
  timeout: TIMEOUT_MS,
}, async () => {
  const runner = await startRunner()
  const id = await submit(ENDLESS)
  const ran = runner.run({ taskId: id })
  await expect.poll(() => statusOf(id), PATIENT).toBe('running')
  await cancelTasks(sql, member.tenantId, [id])
  await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'test runner' and query ilike 'listen%'`
  expect(await ran).toBe(true)
  expect(await statusOf(id)).toBe('cancelled')
})

/** Takes connections and never answers. */
const startSilentServer = async (): Promise<{ port: number; connected(): number }> => {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  if (!address || typeof address === 'string') throw new Error('the server has no port')
  return { port: address.port, connected: () => sockets.size }
}

test('a task whose end hangs in the object store is cancelled all the same', {
  timeout: TIMEOUT_MS,
}, async () => {
  const silent = await startSilentServer()
  const hanging = await openStore(
    `s3://objects?region=fr-par&endpoint=http://127.0.0.1:${silent.port}&path_style=true`,
    storeOptions,
  )
  const runner = await startRunner(undefined, { store: hanging, maxInlineBytes: 1 })
  const id = await submit('def main(): return "longer than a byte"')
  const ran = runner.run({ taskId: id })
  await expect.poll(silent.connected, PATIENT).toBeGreaterThan(0)
  await cancel(id)
  expect(await ran).toBe(true)
  expect(await statusOf(id)).toBe('cancelled')
  await hanging.close()
})

test('once it is told to stop it claims nothing, and gives back what it has in hand when the grace is over', {
  timeout: TIMEOUT_MS,
}, async () => {
  const runner = await startRunner()
  const [running, waiting] = [await submit(ENDLESS), await submit(ENDLESS)]
  const ran = runner.run({ taskId: running })
  await expect.poll(() => statusOf(running), PATIENT).toBe('running')
  const stopped = runner.stop(0)
  expect(await runner.run({ taskId: waiting })).toBe(false)
  await stopped
  await ran
  expect(await getTask(sql, member.tenantId, running)).toMatchObject({ status: 'queued', returns: 1 })
  expect(await getTask(sql, member.tenantId, waiting)).toMatchObject({ status: 'queued', attempt: 0 })
})

test('the end of an attempt waits for a database that is away for longer than a lease', {
  timeout: TIMEOUT_MS,
}, async () => {
  const network = await startFaultyNetwork(url)
  const strictSql = connect(network.url, { name: 'test runner', maxConnections: 1 })
  cleanUps.push(
    () => network.stop(),
    () => strictSql.end(),
  )
  const refused: number[] = []
  const logger = { ...quietLogger, warn: () => refused.push(performance.now()) } as unknown as Logger
  const leaseSeconds = 0.5
  const runner = await startRunner(undefined, { sql: strictSql, leaseSeconds, logger })
  const id = await submit('def main(): return 1')
  await network.cut()
  const ran = runner.run({ taskId: id })
  const triedForSeconds = () => ((refused.at(-1) ?? 0) - (refused[0] ?? 0)) / 1_000
  await expect.poll(triedForSeconds, PATIENT).toBeGreaterThan(2 * leaseSeconds)
  await network.mend()
  expect(await ran).toBe(true)
  expect(await getTask(sql, member.tenantId, id)).toMatchObject({ status: 'completed', attempt: 1 })
})
