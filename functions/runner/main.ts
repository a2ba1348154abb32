import { closeServer, listenOn } from '../../shared/http/serve.ts'
import { openAttemptRunner } from '../../shared/tasks/open-attempt-runner.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import { stopOnSignal } from '../../shared/telemetry/stop-on-signal.ts'
import { createRunnerApp } from './app.ts'
import { readRunnerEnv } from './env.ts'

const env = readRunnerEnv(process.env)
const logger = createLogger('runner', env.LOG_LEVEL)

const { runner, parts } = await openAttemptRunner(env, logger)
const app = createRunnerApp(runner, env.RUNNER_TOKEN)
const { port, server } = await listenOn(app.fetch, { hostname: env.HOST, port: env.PORT })

stopOnSignal(
  [
    ...parts,
    { name: 'attempts', stop: () => runner.stop(env.SHUTDOWN_GRACE_MS) },
    { name: 'server', stop: () => closeServer(server, env.SHUTDOWN_GRACE_MS) },
  ],
  logger,
)
logger.info({ port }, 'listening')
