import { readRetention, readStoreOptions } from '../../shared/config/index.ts'
import { connect } from '../../shared/database/index.ts'
import { openQueue } from '../../shared/queue/index.ts'
import { openStore } from '../../shared/storage/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import { stopOnSignal } from '../../shared/telemetry/stop-on-signal.ts'
import { readJanitorEnv } from './env.ts'
import { startJanitor } from './janitor.ts'

const env = readJanitorEnv(process.env)
const logger = createLogger('janitor', env.LOG_LEVEL)

const sql = connect(env.DATABASE_URL, { name: 'janitor', maxConnections: 4 })
const queue = await openQueue(env.QUEUE_URL, { logger })
const store = await openStore(env.STORAGE_URL, readStoreOptions(env))
const janitor = startJanitor({
  sql,
  queue,
  store,
  logger,
  intervalMs: env.JANITOR_INTERVAL_MS,
  leaseSeconds: env.LEASE_SECONDS,
  searchIntervalMs: env.JANITOR_SEARCH_INTERVAL_MS,
  reannounceAfterSeconds: env.REANNOUNCE_AFTER_SECONDS,
  forgetWorkersAfterSeconds: env.FORGET_WORKERS_AFTER_SECONDS,
  retention: readRetention(env),
  retentionIntervalMs: env.RETENTION_INTERVAL_MS,
  batch: env.JANITOR_BATCH,
})

stopOnSignal(
  [
    { name: 'database', stop: () => sql.end({ timeout: 5 }) },
    { name: 'store', stop: () => store.close() },
    { name: 'queue', stop: () => queue.close() },
    { name: 'janitor', stop: () => janitor.stop() },
  ],
  logger,
)
logger.info('running')
