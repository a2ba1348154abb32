import { type Logger, pino } from 'pino'

export type { Logger }

/** Names whose values never reach a log line, wherever they stand in the logged object. */
const SECRET_NAMES = ['authorization', 'token', 'password', 'secret', 'cookie', 'lease']

/**
 * The process's logger: JSON lines on stderr, so that stdout stays free for what a command prints.
 *
 * @param component - the process's name, such as `gateway`
 * @param level - `trace` to `fatal`, or `silent`
 */
export const createLogger = (component: string, level = 'info'): Logger =>
  pino(
    {
      level,
      base: { component },
      // Pino knows `err` alone: of an error under another name it would tell neither message nor stack.
      serializers: { error: pino.stdSerializers.err },
      redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 2, sync: false }),
  )
