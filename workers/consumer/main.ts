import { LANES } from '../../shared/lanes/index.ts'
import { addSandboxMetrics } from '../../shared/sandbox/index.ts'
import { openAttemptRunner } from '../../shared/tasks/open-attempt-runner.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import { createMetrics } from '../../shared/telemetry/metrics.ts'
import { serveMetrics } from '../../shared/telemetry/serve-metrics.ts'
import { stopOnSignal } from '../../shared/telemetry/stop-on-signal.ts'
import { keepRegistered } from '../../shared/workers/index.ts'
import { startConsumer } from './consumer.ts'
import { readConsumerEnv } from './env.ts'

const env = readConsumerEnv(process.env)
const logger = createLogger('consumer', env.LOG_LEVEL)

const { runner, dispatcher, queue, sandboxes, relaxedSql, parts } = await openAttemptRunner(env, logger)
// From here on it can be told to stop at any moment; what is still starting then is waited for, and stopped.
stopOnSignal(parts, logger)
const metrics = createMetrics('consumer')
addSandboxMetrics(metrics, sandboxes)
parts.push(await serveMetrics(metrics, { hostname: env.METRICS_HOST, port: env.METRICS_PORT }))
const concurrency = {
  high_priority: env.HIGH_PRIORITY_CONCURRENCY,
  default: env.DEFAULT_CONCURRENCY,
  long_running: env.LONG_RUNNING_CONCURRENCY,
}
const registration = keepRegistered({
  sql: relaxedSql,
  sandboxes,
  logger,
  name: env.WORKER_NAME,
  kind: 'consumer',
  slots: concurrency,
  aliveSeconds: env.WORKER_ALIVE_SECONDS,
})
parts.push({ name: 'registration', stop: async () => (await registration).stop() })
await registration
const consumer = startConsumer({ queue, runner, concurrency, graceMs: env.SHUTDOWN_GRACE_MS })
parts.push(
  { name: 'consumer', stop: async () => (await consumer).stop() },
  // First: nobody should hand it a task from here on.
  { name: 'readiness', stop: async () => (await registration).drain() },
)
await consumer
logger.info('running')
// Tasks that waited for a worker may start now.
for (const lane of LANES) void dispatcher.dispatch(lane)
