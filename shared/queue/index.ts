/**
 * The queue port: it carries hints ("this task waits in that lane"), never the truth. PostgreSQL holds the truth; a
 * hint that is lost is sent again by the janitor, a hint too many is refused by the claim. See docs/queue.md.
 *
 * @module
 */
import { PlatformError } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createExplain } from './explain.ts'
import type { Queue, QueueContext } from './port.ts'
import { createWarn } from './warn.ts'

export type { Consumer, HandleHint, Hint, Queue } from './port.ts'

export type QueueOptions = {
  logger: Logger
  /** The longest that `enqueue` and `depth` may take before they fail with `UNAVAILABLE`. */
  timeoutMs?: number
  /** A consumer that is silent for this long counts as dead; its hints go to others within twice that time. */
  silenceMs?: number
}

const DEFAULTS = { timeoutMs: 2_000, silenceMs: 5_000 }

type Adapter = (url: URL, context: QueueContext) => Promise<Queue>

const loadRedis = async (): Promise<Adapter> => (await import('./redis.ts')).openRedisQueue
const loadRows = async (): Promise<Adapter> => (await import('./rows.ts')).openRowsQueue
const loadBullPostgres = async (): Promise<Adapter> =>
  (await import('./bullmq-postgres.ts')).openBullPostgresQueue

/** Loaded when asked for: BullMQ with its drivers is 20 MB of a process that may not need it. */
const ADAPTERS: Record<string, () => Promise<Adapter>> = {
  'redis:': loadRedis,
  'rediss:': loadRedis,
  'postgres:': loadRows,
  'postgresql:': loadRows,
  'bullmq+postgres:': loadBullPostgres,
}

/**
 * Opens the queue that a URL names: `redis://` and `rediss://` are BullMQ, `postgres://` is two tables of ours, and
 * `bullmq+postgres://` is BullMQ's own PostgreSQL back end.
 *
 * @throws `MISCONFIGURED` when the URL names no queue or the server would lose hints, `UNAVAILABLE` when it is away
 */
export const openQueue = async (url: string, options: QueueOptions): Promise<Queue> => {
  const parsed = URL.parse(url)
  const load = parsed && ADAPTERS[parsed.protocol]
  if (!parsed || !load) {
    const schemes = Object.keys(ADAPTERS).map((protocol) => `${protocol}//`)
    throw new PlatformError('MISCONFIGURED', `The queue's URL must start with one of ${schemes.join(', ')}.`)
  }
  const explain = createExplain(parsed)
  const open = await load()
  return await open(parsed, { ...DEFAULTS, ...options, explain, warn: createWarn(options.logger, explain) })
}
