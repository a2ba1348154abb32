import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { cacheDir } from '../setup/paths.mjs'
import { connect, migrate } from '../shared/database/index.ts'
import { PlatformError } from '../shared/errors.ts'
import { findFreePort } from '../shared/http/serve.ts'
import { type Child, startChild } from './child.ts'
import { issueToken, startIssuer, type TokenRequest } from './issuer.ts'
import { startLocalPostgres } from './postgres.ts'

export type LocalStackOptions = {
  dataDirectory: string
  /** 0 picks a free one. */
  port: number
  /** Further configuration of the processes, by variable name. */
  env?: Record<string, string>
  onGaveUp?: (child: Child) => void
}

export type LocalStack = {
  url: string
  databaseUrl: string
  children: Record<'gateway' | 'consumer' | 'janitor', Child>
  issueToken(request: TokenRequest): Promise<string>
  stop(): Promise<void>
}

/** What `npm run token` needs to know of a running stack. */
export type StackRecord = { url: string; issuer: string; pid: number }

const READY_TIMEOUT_MS = 60_000
const CHILD_STOP_TIMEOUT_MS = 15_000
const TASK_GRACE_MS = 3_000

const recordPath = (dataDirectory: string) => join(dataDirectory, 'stack.json')

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The stack that runs on a data folder, if one does. */
export const readStackRecord = async (dataDirectory: string): Promise<StackRecord | undefined> => {
  const text = await readFile(recordPath(dataDirectory), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const record = JSON.parse(text) as StackRecord
  return isAlive(record.pid) ? record : undefined
}

const ensureSigningKey = async (dataDirectory: string) => {
  const path = join(dataDirectory, 'url-signing-key')
  if (!existsSync(path)) await writeFile(path, randomBytes(32).toString('hex'), { mode: 0o600 })
  return await readFile(path, 'utf8')
}

const waitUntilReady = async (url: string, failure: () => string | undefined) => {
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (true) {
    const ready = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.ok,
      () => false,
    )
    if (ready) return
    const reason =
      failure() ??
      (Date.now() > deadline ? 'it is not ready in time; see the logs in its data folder.' : undefined)
    if (reason !== undefined) throw new PlatformError('MISCONFIGURED', `The stack did not start: ${reason}`)
    await delay(20)
  }
}

/** Starts the whole platform on this machine: PostgreSQL, issuer, gateway, a consumer for all lanes, janitor. */
export const startLocalStack = async (options: LocalStackOptions): Promise<LocalStack> => {
  const dataDirectory = resolve(options.dataDirectory)
  const logDirectory = join(dataDirectory, 'logs')
  const objectDirectory = join(dataDirectory, 'objects')
  await mkdir(logDirectory, { recursive: true, mode: 0o700 })
  await mkdir(objectDirectory, { recursive: true, mode: 0o700 })
  const other = await readStackRecord(dataDirectory)
  if (other) {
    throw new PlatformError(
      'CONFLICT',
      `A stack runs on ${dataDirectory} already, at ${other.url} (process ${other.pid}).`,
    )
  }

  const started: { stop(): Promise<unknown> }[] = []
  const stop = async () => {
    for (const part of started.splice(0).reverse()) await part.stop()
    await rm(recordPath(dataDirectory), { force: true })
  }
  try {
    const postgres = await startLocalPostgres(dataDirectory)
    started.push(postgres)
    const sql = connect(postgres.url, { name: 'migrate', maxConnections: 1 })
    await migrate(sql).finally(() => sql.end())
    const issuer = await startIssuer(dataDirectory)
    started.push(issuer)

    const port = options.port === 0 ? await findFreePort() : options.port
    const url = `http://127.0.0.1:${port}`
    const env = {
      DATABASE_URL: postgres.url,
      QUEUE_URL: postgres.url,
      STORAGE_URL: pathToFileURL(objectDirectory).href,
      STORAGE_SIGNING_KEYS: await ensureSigningKey(dataDirectory),
      PUBLIC_URL: url,
      OIDC_ISSUER: issuer.url,
      PORT: String(port),
      HOST: '127.0.0.1',
      SHUTDOWN_GRACE_MS: String(TASK_GRACE_MS),
      HIGH_PRIORITY_CONCURRENCY: String(availableParallelism()),
      DEFAULT_CONCURRENCY: String(availableParallelism()),
      ENVIRONMENTS_DIR: cacheDir,
      PACKAGE_INDEX_URL: 'pip',
      ...options.env,
    }
    let gaveUp: Child | undefined
    const start = (name: string, entry: string) => {
      const child = startChild({
        name,
        entry: new URL(entry, import.meta.url),
        env,
        logFile: join(logDirectory, `${name}.log`),
        stopTimeoutMs: CHILD_STOP_TIMEOUT_MS,
        onGaveUp: (lost) => {
          gaveUp = lost
          options.onGaveUp?.(lost)
        },
      })
      started.push(child)
      return child
    }
    const children = {
      janitor: start('janitor', '../workers/janitor/main.ts'),
      consumer: start('consumer', '../workers/consumer/main.ts'),
      gateway: start('gateway', '../functions/gateway/main.ts'),
    }
    await waitUntilReady(url, () => gaveUp && `${gaveUp.name} ended.\n${gaveUp.recentOutput()}`)
    const record: StackRecord = { url, issuer: issuer.url, pid: process.pid }
    await writeFile(recordPath(dataDirectory), JSON.stringify(record))
    return {
      url,
      databaseUrl: postgres.url,
      children,
      issueToken: (request) => issueToken(dataDirectory, issuer.url, request),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
