import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueToken, startIssuer } from '../../local/issuer.ts'
import { type LocalPostgres, startLocalPostgres } from '../../local/postgres.ts'
import { cacheDir } from '../../setup/paths.mjs'
import { connect, migrate, type Sql } from '../../shared/database/index.ts'
import { findFreePort } from '../../shared/http/serve.ts'
import { LANES, type Lane, type LaneSettingsPatch, patchLane } from '../../shared/lanes/index.ts'
import { startValve, type Valve } from '../crash/valve.ts'
import { type RedisServer, startRedis } from '../services/redis.ts'
import { startS3Server } from '../services/s3.ts'
import { type FaultyStore, startFaultyStore } from './object-store-fault.ts'
import { type SupervisedProcess, superviseProcess, type UnaskedEnd } from './process.ts'
import { TENANTS, type Tenant } from './workload.ts'

export const LEASE_SECONDS = 3

/** A tenant's tasks of a lane in hand at one moment: so few that a test reaches it. */
export const LANE_LIMITS: Record<Lane, number> = { high_priority: 6, default: 6, long_running: 2 }

/** As in production, with lanes that end within a test. */
const LANE_PATCHES: Record<Lane, LaneSettingsPatch> = {
  high_priority: { overrun_seconds: 1 },
  default: {},
  long_running: { starts_per_minute: 3_000, tenant_starts_per_minute: 600 },
}

/** What a claim loses in a crash of the server is what lay here for so long: as much as PostgreSQL allows. */
const POSTGRES_SETTINGS = { wal_writer_delay: '2s' }

export type Postgres = {
  url: string
  /** `fast` and `immediate` are PostgreSQL's ways to shut down; then it is away for a while, and comes back. */
  restart(how: 'fast' | 'immediate' | 'kill', awayMs: number): Promise<void>
  /** SIGKILL to one of its sessions: the server ends all others and recovers. */
  killSession(pid: number): void
}

export type Arena = {
  directory: string
  /** For looking, not for helping. */
  sql: Sql
  postgres: Postgres
  redis: RedisServer
  store: FaultyStore
  gateways: SupervisedProcess[]
  workers: SupervisedProcess[]
  janitors: SupervisedProcess[]
  /** Networks between some of the processes and PostgreSQL. */
  valves: Valve[]
  gatewayUrls: string[]
  tokens: Record<Tenant, string>
  unaskedEnds: UnaskedEnd[]
  /** Leaves logs and data where they are, for whoever looks for a cause. */
  keepFiles(): void
  stop(): Promise<void>
}

type Stoppable = { stop(): Promise<unknown> }

const startPostgres = async (directory: string, started: Stoppable[]): Promise<Postgres> => {
  const options = { port: await findFreePort(), settings: POSTGRES_SETTINGS }
  const dataDirectory = join(directory, 'database')
  let server: LocalPostgres = await startLocalPostgres(dataDirectory, options)
  started.push({ stop: () => server.stop() })
  return {
    url: server.url,
    restart: async (how, awayMs) => {
      if (how === 'fast') await server.stop()
      else process.kill(server.pid, how === 'kill' ? 'SIGKILL' : 'SIGQUIT')
      await new Promise((resolve) => setTimeout(resolve, awayMs))
      server = await startLocalPostgres(dataDirectory, options)
    },
    killSession: (pid) => process.kill(pid, 'SIGKILL'),
  }
}

const prepareDatabase = async (url: string) => {
  const sql = connect(url, { name: 'chaos', maxConnections: 2 })
  await migrate(sql)
  for (const lane of LANES)
    await patchLane(sql, lane, { ...LANE_PATCHES[lane], tenant_max_in_flight: LANE_LIMITS[lane] })
  return sql
}

/** The whole platform with real services of its own: two gateways, three workers, two janitors. */
export const startArena = async (): Promise<Arena> => {
  const directory = await mkdtemp(join(tmpdir(), 'chaos-'))
  let keepsFiles = false
  const clean = async () => {
    if (!keepsFiles) await rm(directory, { recursive: true, force: true })
  }
  const started: Stoppable[] = [{ stop: clean }]
  const keep = <T extends Stoppable>(part: T): T => {
    started.push(part)
    return part
  }
  const stop = async () => {
    for (const part of started.splice(0).reverse()) await part.stop()
  }
  try {
    const postgres = await startPostgres(directory, started)
    const sql = await prepareDatabase(postgres.url)
    keep({ stop: () => sql.end({ timeout: 5 }) })
    const redis = keep(await startRedis())
    const s3 = keep(await startS3Server())
    const store = keep(await startFaultyStore(s3.endpoint))
    const issuer = keep(await startIssuer(directory))
    const signIn = (tenant: string) =>
      issueToken(directory, issuer.url, { tenant, user: `${tenant}-user`, roles: ['user'] })
    const tokens = Object.fromEntries(
      await Promise.all(TENANTS.map(async (tenant) => [tenant, await signIn(tenant)] as const)),
    ) as Record<Tenant, string>

    const unaskedEnds: UnaskedEnd[] = []
    const env = {
      QUEUE_URL: redis.url,
      STORAGE_URL: `s3://${s3.bucket}?region=${s3.region}&endpoint=${store.url}&path_style=true`,
      S3_ACCESS_KEY_ID: s3.credentials.accessKeyId,
      S3_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
      OIDC_ISSUER: issuer.url,
      HOST: '127.0.0.1',
      ENVIRONMENTS_DIR: cacheDir,
      LEASE_SECONDS: String(LEASE_SECONDS),
      WORKER_ALIVE_SECONDS: '3',
      // So that objects are used, and signed URLs.
      TASK_MAX_INLINE_BYTES: '2048',
      RESULT_MAX_ANSWERED_BYTES: '16384',
      REANNOUNCE_AFTER_SECONDS: '2',
      JANITOR_INTERVAL_MS: '200',
      JANITOR_SEARCH_INTERVAL_MS: '1000',
      SHUTDOWN_GRACE_MS: '1000',
      HIGH_PRIORITY_CONCURRENCY: '3',
      DEFAULT_CONCURRENCY: '3',
      LONG_RUNNING_CONCURRENCY: '1',
    }
    const start = (name: string, entry: string, readyMessage: string, more: Record<string, string>) =>
      keep(
        superviseProcess({
          name,
          entry: new URL(`../../${entry}/main.ts`, import.meta.url),
          env: { ...env, DATABASE_URL: postgres.url, ...more },
          logFile: join(directory, `${name}.log`),
          readyMessage,
          onUnaskedEnd: (end) => unaskedEnds.push(end),
        }),
      )
    const openValve = async () => keep(await startValve(postgres.url))
    const valves = [await openValve(), await openValve(), await openValve()] as const
    const [gatewayValve, workerValve, janitorValve] = valves
    const ports = [await findFreePort(), await findFreePort()]
    const gatewayUrls = ports.map((port) => `http://127.0.0.1:${port}`)
    const gateways = ports.map((port, index) =>
      start(`gateway-${index + 1}`, 'functions/gateway', 'listening', {
        PORT: String(port),
        PUBLIC_URL: gatewayUrls[index] ?? '',
        ...(index === 1 && { DATABASE_URL: gatewayValve.url }),
      }),
    )
    const startOthers = (kind: string, entry: string, count: number, valve: Valve) =>
      Array.from({ length: count }, (_, index) =>
        start(`${kind}-${index + 1}`, entry, 'running', {
          PUBLIC_URL: gatewayUrls[0] ?? '',
          WORKER_NAME: `${kind}-${index + 1}`,
          ...(index === count - 1 && { DATABASE_URL: valve.url }),
        }),
      )
    const janitors = startOthers('janitor', 'workers/janitor', 2, janitorValve)
    const workers = startOthers('worker', 'workers/consumer', 3, workerValve)
    await Promise.all([...gateways, ...janitors, ...workers].map((part) => part.ready()))
    return {
      directory,
      sql,
      postgres,
      redis,
      store,
      gateways,
      workers,
      janitors,
      valves: [...valves],
      gatewayUrls,
      tokens,
      unaskedEnds,
      keepFiles: () => {
        keepsFiles = true
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
