import { connect } from '../../shared/database/index.ts'
import { openQueue } from '../../shared/queue/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import { stopOnSignal } from '../../shared/telemetry/stop-on-signal.ts'
import { readJanitorEnv } from './env.ts'
import { startJanitor } from './janitor.ts'

const env = readJanitorEnv(process.env)
const logger = createLogger('janitor', env.LOG_LEVEL)

const sql = connect(env.DATABASE_URL, { name: 'janitor', maxConnections: 4 })
const queue = await openQueue(env.QUEUE_URL, { logger })
const janitor = startJanitor({
  sql,
  queue,
  logger,
  intervalMs: env.JANITOR_INTERVAL_MS,
  searchIntervalMs: env.JANITOR_SEARCH_INTERVAL_MS,
  reannounceAfterSeconds: env.REANNOUNCE_AFTER_SECONDS,
  forgetWorkersAfterSeconds: env.FORGET_WORKERS_AFTER_SECONDS,
  batch: env.JANITOR_BATCH,
})

stopOnSignal(
  [
    { name: 'database', stop: () => sql.end({ timeout: 5 }) },
    { name: 'queue', stop: () => queue.close() },
    { name: 'janitor', stop: () => janitor.stop() },
  ],
  logger,
)
logger.info('running')
