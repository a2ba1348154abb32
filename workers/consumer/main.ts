import { openAttemptRunner } from '../../shared/tasks/open-attempt-runner.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import { stopOnSignal } from '../../shared/telemetry/stop-on-signal.ts'
import { startConsumer } from './consumer.ts'
import { readConsumerEnv } from './env.ts'

const env = readConsumerEnv(process.env)
const logger = createLogger('consumer', env.LOG_LEVEL)

const { runner, queue, parts } = await openAttemptRunner(env, logger)
const consumer = await startConsumer({
  queue,
  runner,
  concurrency: {
    high_priority: env.HIGH_PRIORITY_CONCURRENCY,
    default: env.DEFAULT_CONCURRENCY,
    long_running: env.LONG_RUNNING_CONCURRENCY,
  },
  graceMs: env.SHUTDOWN_GRACE_MS,
})

stopOnSignal([...parts, { name: 'consumer', stop: () => consumer.stop() }], logger)
logger.info('running')
