/**
 * Every error that a caller could act on, by code. The gateway maps a code to an HTTP status in one exhaustive
 * switch (`functions/gateway/problem.ts`); anything that is not a `PlatformError` is our fault and tells nothing.
 *
 * @module
 */

export type ErrorCode =
  | 'BAD_REQUEST'
  | 'INVALID'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'TOO_LARGE'
  | 'LANE_FULL'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'UNAVAILABLE'
  | 'MISCONFIGURED'

/** One fault in the caller's input: where it is (`['body', 'inputs', 'preload']`), what is wrong, and its kind. */
export type Fault = { loc: (string | number)[]; msg: string; type: string }

export type ErrorOptions = {
  cause?: unknown
  /** Every fault of the input, not just the first. */
  faults?: Fault[]
  retryAfterSeconds?: number
}

/** An error that we meant: its message names the thing and the way out, and is shown to the caller as it is. */
export class PlatformError extends Error {
  override readonly name = 'PlatformError'
  readonly code: ErrorCode
  readonly faults: Fault[]
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.faults = options.faults ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
