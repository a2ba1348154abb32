import { type BackendFactory, type IQueueBackend, Worker } from 'bullmq'
import type { Lane } from '../lanes/index.ts'
import type { Consumer, HandleHint, Hint, QueueContext } from './port.ts'
import { settleWithin } from './timeout.ts'

const RETRY_MS = 1_000
/** However often a hint is handed over, it is never failed for that. */
const NEVER = 1_000_000

export type BullConsumerOptions<Connection> = {
  lane: Lane
  concurrency: number
  handle: HandleHint
  connection: Connection
  backend: BackendFactory<IQueueBackend, Connection>
  isReachable(): Promise<boolean>
  context: QueueContext
}

/** A BullMQ worker that drops what its handler throws and that stops in bounded time, whatever its server does. */
export const startBullConsumer = async <Connection>(
  options: BullConsumerOptions<Connection>,
): Promise<Consumer> => {
  const { lane, concurrency, handle, connection, backend, isReachable } = options
  const { logger, explain, warn, timeoutMs, silenceMs } = options.context
  const inHand = new Set<Promise<void>>()

  const handleSafely = async ({ taskId, attempt }: Hint) => {
    try {
      await handle({ taskId, attempt })
    } catch (err) {
      logger.error({ err, lane, taskId, attempt }, 'queue: the handler threw; hint dropped')
    }
  }
  const worker = new Worker<Hint, void, string, IQueueBackend, object, Connection>(
    lane,
    async ({ data }) => {
      const handling = handleSafely(data)
      inHand.add(handling)
      await handling
      inHand.delete(handling)
    },
    {
      connection,
      concurrency,
      lockDuration: silenceMs,
      stalledInterval: silenceMs / 2,
      maxStalledCount: NEVER,
      runRetryDelay: RETRY_MS,
    },
    backend,
  )
  worker.on('error', warn)
  try {
    await settleWithin(timeoutMs, worker.waitUntilReady())
  } catch (error) {
    await worker.close(true)
    throw explain(error)
  }

  const stop = async () => {
    await worker.pause(true)
    while (inHand.size > 0) await Promise.all(inHand)
    // While the server is away BullMQ would wait for it without end, only to say that the hints are done.
    const closed = worker.close(!(await isReachable()))
    while (!(await settles(closed, timeoutMs)) && inHand.size > 0);
  }
  let stopped: Promise<void> | undefined
  return {
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}

const settles = (work: Promise<unknown>, timeoutMs: number): Promise<boolean> =>
  settleWithin(timeoutMs, work).then(
    () => true,
    () => false,
  )
