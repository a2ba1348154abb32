/** The drivers' words for it: connection refused, reset, ended, timed out, or the server shutting down or starting. */
const AWAY = /^(CONNECT_TIMEOUT|CONNECTION_|ECONN|ENOTFOUND|EPIPE|57P0|08|53300)/

/** Whether a statement failed because the server could not be reached, not because it refused the statement. */
export const isDatabaseAway = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && AWAY.test(error.code)
