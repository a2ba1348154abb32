import { createRedisBackend } from 'bullmq'
import { Redis } from 'ioredis'
import { PlatformError } from '../errors.ts'
import { createBullQueue } from './bullmq.ts'
import type { Queue, QueueContext } from './port.ts'
import { settleWithin } from './timeout.ts'

const MAX_RECONNECT_MS = 2_000
/** Longer than BullMQ's longest blocking read, so that only a dead connection is silent for as long. */
const CONSUMER_SOCKET_TIMEOUT_MS = 10_000

/** The queue port over Redis, by BullMQ. */
export const openRedisQueue = async (url: URL, context: QueueContext): Promise<Queue> => {
  const { timeoutMs, warn, explain } = context
  const common = {
    connectTimeout: timeoutMs,
    keepAlive: CONSUMER_SOCKET_TIMEOUT_MS,
    retryStrategy: (times: number) => Math.min(times * 100, MAX_RECONNECT_MS),
  }
  const producer = new Redis(url.href, {
    ...common,
    commandTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    maxRetriesPerRequest: 1,
  })
  let lastError: unknown
  producer.on('error', (error) => {
    lastError = error
    warn(error)
  })
  try {
    await refuseEviction(producer, url, timeoutMs).catch((error: unknown) => {
      throw error instanceof PlatformError ? error : explain(lastError ?? error)
    })
    return await createBullQueue(context, {
      backend: createRedisBackend,
      producer,
      // BullMQ opens two connections a consumer from these, and ends them.
      consumer: {
        ...common,
        url: url.href,
        socketTimeout: CONSUMER_SOCKET_TIMEOUT_MS,
        maxRetriesPerRequest: null,
      },
      close: () => producer.disconnect(),
    })
  } catch (error) {
    producer.disconnect()
    throw error
  }
}

/** Redis that evicts keys breaks BullMQ's books. INFO says it too where a managed Redis forbids CONFIG GET. */
const refuseEviction = async (redis: Redis, url: URL, timeoutMs: number): Promise<void> => {
  const memory = await settleWithin(timeoutMs, redis.info('memory'))
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'unknown'
  if (policy === 'noeviction') return
  throw new PlatformError(
    'MISCONFIGURED',
    `Redis at ${url.host} has maxmemory-policy "${policy}" and would drop queued tasks when its memory is short. ` +
      'Set it to noeviction: "redis-cli CONFIG SET maxmemory-policy noeviction" and the same line in redis.conf, ' +
      'or the setting maxmemory-policy of a managed Redis.',
  )
}
