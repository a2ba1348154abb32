import type { S3ClientConfig } from '@aws-sdk/client-s3'

type RetryStrategy = Extract<
  NonNullable<S3ClientConfig['retryStrategy']>,
  { acquireInitialRetryToken: unknown }
>

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000

const createToken = (retries: number, startedAtMs: number) => ({
  startedAtMs,
  getRetryCount: () => retries,
  getRetryDelay: () => {
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (retries - 1), LONGEST_PAUSE_MS)
    return retries === 0 ? 0 : (pauseMs / 2) * (1 + Math.random())
  },
})

/** Tries a request again until so long after its first try; what the server finds wrong with it is not tried again. */
export const createPatience = (patienceMs: number): RetryStrategy => ({
  acquireInitialRetryToken: async () => createToken(0, performance.now()),
  refreshRetryTokenForRetry: async (token, { errorType }) => {
    const { startedAtMs } = token as ReturnType<typeof createToken>
    if (errorType === 'CLIENT_ERROR' || performance.now() - startedAtMs > patienceMs)
      throw new Error('it is not worth another try')
    return createToken(token.getRetryCount() + 1, startedAtMs)
  },
  recordSuccess: () => {},
})
