import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { type Child, startChild } from '../../local/child.ts'
import { issueToken, startIssuer } from '../../local/issuer.ts'
import { cacheDir } from '../../setup/paths.mjs'
import { connect, type Sql } from '../../shared/database/index.ts'
import { findFreePort } from '../../shared/http/serve.ts'
import { createDatabase } from '../services/postgres.ts'

const ENTRIES = {
  gateway: '../../functions/gateway/main.ts',
  consumer: '../../workers/consumer/main.ts',
  janitor: '../../workers/janitor/main.ts',
  runner: '../../functions/runner/main.ts',
} as const
export type Role = keyof typeof ENTRIES

export type Platform = {
  sql: Sql
  /** Starts a process, which is started again whenever it ends. */
  start(role: Role, env?: Record<string, string>): Child
  /** SIGKILL, by the id of the process that runs now. */
  kill(child: Child): void
  submit(code: string, handler: string, more?: object): Promise<string>
  request(method: string, path: string, body?: string): Promise<Response>
  waitForStatus(id: string, status: string): Promise<void>
  /** That every task of the test has completed, once, and how many attempts it took. */
  expectCompletedOnce(id: string): Promise<number>
  stop(): Promise<void>
}

const LEASE_SECONDS = 2
const REANNOUNCE_AFTER_SECONDS = 1
const STOP_TIMEOUT_MS = 5_000

/** The platform's own processes on a database of their own, with short leases, to be killed by a test. */
export const startPlatform = async (
  queueUrlFor: (databaseUrl: string) => Promise<string>,
): Promise<Platform> => {
  const directory = await mkdtemp(join(tmpdir(), 'crash-'))
  const databaseUrl = await createDatabase()
  const sql = connect(databaseUrl, { name: 'test', maxConnections: 2 })
  const issuer = await startIssuer(directory)
  const token = await issueToken(directory, issuer.url, { tenant: 'acme', user: 'ada', roles: ['user'] })
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const env = {
    DATABASE_URL: databaseUrl,
    QUEUE_URL: await queueUrlFor(databaseUrl),
    STORAGE_URL: pathToFileURL(join(directory, 'objects')).href,
    STORAGE_SIGNING_KEYS: 'signing-key-of-a-test-0123456789abcdef',
    PUBLIC_URL: url,
    OIDC_ISSUER: issuer.url,
    PORT: String(port),
    HOST: '127.0.0.1',
    ENVIRONMENTS_DIR: cacheDir,
    LEASE_SECONDS: String(LEASE_SECONDS),
    REANNOUNCE_AFTER_SECONDS: String(REANNOUNCE_AFTER_SECONDS),
    JANITOR_INTERVAL_MS: '100',
    SHUTDOWN_GRACE_MS: '0',
  }
  const children: Child[] = []
  const request = (method: string, path: string, body?: string) =>
    fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(30_000),
    })
  const status = async (id: string) => {
    const [row] = await sql<{ status: string }[]>`select status from tasks where id = ${id}`
    return row?.status
  }
  return {
    sql,
    request,
    start: (role, more = {}) => {
      const child = startChild({
        name: role,
        entry: new URL(ENTRIES[role], import.meta.url),
        env: { ...env, ...more },
        logFile: join(directory, `${role}.log`),
        stopTimeoutMs: STOP_TIMEOUT_MS,
        onGaveUp: (lost) => {
          throw new Error(`${lost.name} ended again and again: ${lost.recentOutput()}`)
        },
      })
      children.push(child)
      return child
    },
    kill: (child) => {
      if (child.pid === undefined) throw new Error(`${child.name} does not run`)
      process.kill(child.pid, 'SIGKILL')
    },
    submit: async (code, handler, more = {}) => {
      await expect
        .poll(
          () =>
            request('GET', '/health').then(
              ({ ok }) => ok,
              () => false,
            ),
          { timeout: 20_000 },
        )
        .toBe(true)
      const response = await request('POST', '/tasks', JSON.stringify({ code, handler, ...more }))
      expect(response.status).toBe(202)
      return ((await response.json()) as { id: string }).id
    },
    waitForStatus: async (id, wanted) => {
      await expect.poll(() => status(id), { timeout: 40_000, interval: 20 }).toBe(wanted)
    },
    expectCompletedOnce: async (id) => {
      const [row] = await sql<[{ attempt: number; ends: number; completions: number }]>`
        select
          attempt,
          (select count(*)::int from events where task_id = tasks.id and type in ('task.completed', 'task.failed', 'task.cancelled')) as ends,
          (select count(*)::int from attempts where task_id = tasks.id and outcome = 'completed') as completions
        from tasks where id = ${id} and status = 'completed'`
      expect(row).toMatchObject({ ends: 1, completions: 1 })
      return row.attempt
    },
    stop: async () => {
      await Promise.all(children.map((child) => child.stop()))
      await issuer.stop()
      await sql.end()
      await rm(directory, { recursive: true })
    },
  }
}
