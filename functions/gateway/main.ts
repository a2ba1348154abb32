import { createTokenVerifier } from '../../shared/auth/index.ts'
import { readEstimateSettings, readPrechecksConfig, readStoreOptions } from '../../shared/config/index.ts'
import { connect } from '../../shared/database/index.ts'
import { openEstimator } from '../../shared/estimates/index.ts'
import { closeServer, listenOn } from '../../shared/http/serve.ts'
import { createDispatcher, createLaneGate } from '../../shared/lanes/index.ts'
import { openPolicies } from '../../shared/policies/index.ts'
import { openPrechecks } from '../../shared/prechecks/index.ts'
import { openQueue } from '../../shared/queue/index.ts'
import { openStore } from '../../shared/storage/index.ts'
import { startEndWaiters } from '../../shared/tasks/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import { createMetrics } from '../../shared/telemetry/metrics.ts'
import { serveMetrics } from '../../shared/telemetry/serve-metrics.ts'
import { stopOnSignal } from '../../shared/telemetry/stop-on-signal.ts'
import { createMemberResolver } from '../../shared/tenants/index.ts'
import { addWorkerMetrics } from '../../shared/workers/index.ts'
import { createApp } from './app.ts'
import { readGatewayEnv } from './env.ts'

const env = readGatewayEnv(process.env)
const logger = createLogger('gateway', env.LOG_LEVEL)

/** A lane is dispatched by one statement at a time. */
const DISPATCH_POOL = 3
const DISPATCH_REST_MS = 10

const sql = connect(env.DATABASE_URL, { name: 'gateway', maxConnections: env.DATABASE_POOL })
const queue = await openQueue(env.QUEUE_URL, { logger })
const store = await openStore(env.STORAGE_URL, readStoreOptions(env))
const relaxedSql = connect(env.DATABASE_URL, {
  name: 'gateway',
  maxConnections: DISPATCH_POOL,
  durability: 'relaxed',
})
const dispatcher = createDispatcher({ sql: relaxedSql, queue, logger, restMs: DISPATCH_REST_MS })
const endWaiters = await startEndWaiters(sql)
const prechecks = openPrechecks(readPrechecksConfig(env))
const metrics = createMetrics('gateway')
addWorkerMetrics(metrics, sql)

const app = createApp({
  sql,
  queue,
  dispatcher,
  laneGate: createLaneGate(sql, logger),
  store,
  endWaiters,
  metrics,
  logger,
  verifyToken: createTokenVerifier({
    issuer: env.OIDC_ISSUER,
    audience: env.OIDC_AUDIENCE,
    tenantClaim: env.OIDC_TENANT_CLAIM,
    organizationClaim: env.OIDC_ORGANIZATION_CLAIM,
    ...(env.OIDC_CLIENT_SECRET !== undefined && {
      introspection: { clientId: env.OIDC_AUDIENCE, clientSecret: env.OIDC_CLIENT_SECRET },
    }),
  }),
  resolveMember: createMemberResolver(sql),
  prechecks,
  policies: openPolicies({ sql, installation: env.TENANT_POLICY }),
  estimator: openEstimator({ sql, logger, settings: readEstimateSettings(env) }),
  unknownSeconds: env.LANE_UNKNOWN_SECONDS,
  limits: {
    maxBodyBytes: env.TASK_MAX_BODY_BYTES,
    maxJsonDepth: env.TASK_MAX_JSON_DEPTH,
    maxCodeBytes: env.TASK_MAX_CODE_BYTES,
    maxInlineInputsBytes: env.TASK_MAX_INLINE_BYTES,
    maxAnsweredResultBytes: env.RESULT_MAX_ANSWERED_BYTES,
    maxWaitSeconds: env.WAIT_MAX_SECONDS,
    maxUploadBytes: env.UPLOAD_MAX_BYTES,
    signedUrlSeconds: env.SIGNED_URL_SECONDS,
    maxRequirements: env.PACKAGE_INDEX_URL === undefined ? undefined : env.ENVIRONMENTS_MAX_REQUIREMENTS,
  },
})

const { port, server } = await listenOn(app.fetch, { hostname: env.HOST, port: env.PORT })
const scraped = await serveMetrics(metrics, { hostname: env.METRICS_HOST, port: env.METRICS_PORT })
stopOnSignal(
  [
    { name: 'database', stop: () => Promise.all([sql.end({ timeout: 5 }), relaxedSql.end({ timeout: 5 })]) },
    scraped,
    { name: 'store', stop: () => store.close() },
    { name: 'queue', stop: () => queue.close() },
    { name: 'dispatcher', stop: () => dispatcher.stop() },
    { name: 'prechecks', stop: () => prechecks.close() },
    { name: 'server', stop: () => closeServer(server, env.SHUTDOWN_GRACE_MS) },
    // First, so that a request that waits for a task is answered instead of holding the server open.
    { name: 'end waiters', stop: () => endWaiters.stop() },
  ],
  logger,
)
logger.info({ port }, 'listening')
