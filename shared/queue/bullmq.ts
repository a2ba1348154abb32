import { type BackendFactory, Queue as BullQueue, type IQueueBackend, Worker } from 'bullmq'
import type { Lane } from '../lanes/index.ts'
import type { Consumer, HandleHint, Hint, Queue, QueueContext } from './port.ts'
import { settleWithin } from './timeout.ts'

/** Where BullMQ keeps its jobs. */
export type BullStore<Connection> = {
  backend: BackendFactory<IQueueBackend, Connection>
  /** Gives up soon when the server is away: it stands on the path of requests. */
  producer: Connection
  /** Waits for the server to come back. */
  consumer: Connection
  close(): void
}

/** One pipeline of this many jobs is answered well within a second. */
const BATCH_SIZE = 500
/** Nobody reads BullMQ's event stream; it is kept short. */
const STREAMS = { events: { maxLen: 100 } }
const RETRY_MS = 1_000

/**
 * The queue port over BullMQ. Nothing but a task's id and attempt enters a job. No job has a priority, because BullMQ
 * serves those without one before all others; so each lane is first in, first out.
 */
export const createBullQueue = async <Connection>(
  context: QueueContext,
  store: BullStore<Connection>,
): Promise<Queue> => {
  const { explain, warn, timeoutMs } = context
  const ask = <T>(request: Promise<T>): Promise<T> =>
    settleWithin(timeoutMs, request).catch((error: unknown) => {
      throw explain(error)
    })
  const openLane = (lane: Lane) => {
    const options = { connection: store.producer, streams: STREAMS }
    const queue = new BullQueue<Hint, void, string, Hint, void, string, IQueueBackend, Connection>(
      lane,
      options,
      store.backend,
    )
    queue.on('error', warn)
    return queue
  }
  const queues = {
    high_priority: openLane('high_priority'),
    default: openLane('default'),
    long_running: openLane('long_running'),
  } satisfies Record<Lane, unknown>
  const all = Object.values(queues)
  const consumers = new Set<Consumer>()
  const closeQueues = async () => {
    await ask(Promise.all(all.map((queue) => queue.close()))).catch(warn)
    store.close()
  }

  try {
    await ask(Promise.all(all.map((queue) => queue.waitUntilReady())))
  } catch (error) {
    await closeQueues()
    throw error
  }
  return {
    async enqueue(lane, hints) {
      const jobs = hints.map(toJob)
      const [first] = jobs
      if (first && jobs.length === 1) {
        await ask(queues[lane].add(first.name, first.data, first.opts))
        return
      }
      for (let start = 0; start < jobs.length; start += BATCH_SIZE) {
        await ask(queues[lane].addBulk(jobs.slice(start, start + BATCH_SIZE)))
      }
    },
    async consume(lane, concurrency, handle) {
      const isReachable = () =>
        ask(queues[lane].getJobCounts('active')).then(
          () => true,
          () => false,
        )
      const worker = await startWorker(context, store, lane, concurrency, handle, isReachable)
      consumers.add(worker)
      return worker
    },
    async depth(lane) {
      const counts = await ask(queues[lane].getJobCounts('waiting', 'active'))
      return { waiting: counts['waiting'] ?? 0, active: counts['active'] ?? 0 }
    },
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()))
      await closeQueues()
    },
  }
}

/** The id makes two equal hints one job; removing it when it ends lets the same hint come again later. */
const toJob = ({ taskId, attempt }: Hint) => ({
  name: 'hint',
  data: { taskId, attempt },
  opts: { jobId: `${taskId}.${attempt}`, removeOnComplete: true, removeOnFail: true },
})

const startWorker = async <Connection>(
  { logger, explain, warn, timeoutMs, silenceMs }: QueueContext,
  store: BullStore<Connection>,
  lane: Lane,
  concurrency: number,
  handle: HandleHint,
  isReachable: () => Promise<boolean>,
): Promise<Consumer> => {
  const inHand = new Set<Promise<void>>()
  const worker = new Worker<Hint, void, string, IQueueBackend, object, Connection>(
    lane,
    async ({ data: { taskId, attempt } }) => {
      const handling = handle({ taskId, attempt }).catch((err: unknown) =>
        logger.error({ err, lane, taskId, attempt }, 'queue: the handler threw; hint dropped'),
      )
      inHand.add(handling)
      await handling.finally(() => inHand.delete(handling))
    },
    {
      connection: store.consumer,
      concurrency,
      lockDuration: silenceMs,
      stalledInterval: silenceMs / 2,
      // However often a hint is handed over, it is never failed for that.
      maxStalledCount: 1_000_000,
      runRetryDelay: RETRY_MS,
    },
    store.backend,
  )
  worker.on('error', warn)
  const stop = async () => {
    await worker.pause(true)
    while (inHand.size > 0) await Promise.all(inHand)
    // While the server is away BullMQ would wait for it without end, only to say that the hints are done.
    const closed = worker.close(!(await isReachable()))
    while (!(await settles(closed, timeoutMs)) && inHand.size > 0);
  }
  try {
    await settleWithin(timeoutMs, worker.waitUntilReady())
  } catch (error) {
    await worker.close(true)
    throw explain(error)
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
