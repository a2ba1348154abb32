import { PlatformError } from '../errors.ts'

/** Turns what a driver threw into an error that callers understand and that carries no secret. */
export type Explain = (error: unknown) => PlatformError

const RETRY_AFTER_SECONDS = 2

/**
 * An explanation names the server and keeps the driver's words, but never the driver's error itself: it may hold the
 * commands that were sent, the password among them.
 */
export const createExplain = (url: URL): Explain => {
  const secrets = [url.password, decodePassword(url)].filter((secret) => secret !== '')
  return (error) => {
    if (error instanceof PlatformError) return error
    let reason = describeError(error)
    for (const secret of secrets) reason = reason.replaceAll(secret, '[secret]')
    return new PlatformError('UNAVAILABLE', 'The queue is not available at the moment.', {
      cause: new Error(`${url.protocol}//${url.host}: ${reason}`),
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    })
  }
}

const decodePassword = (url: URL): string => {
  try {
    return decodeURIComponent(url.password)
  } catch {
    throw new PlatformError('MISCONFIGURED', "The password in the queue's URL must be percent-encoded.")
  }
}

/** Some drivers leave the message empty and tell the reason by code or in the errors of each address they tried. */
const describeError = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(describeError).join('; ')
  if (!(error instanceof Error)) return String(error)
  const { code } = error as Error & { code?: unknown }
  return error.message || String(code ?? error.name)
}
