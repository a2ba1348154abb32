import { type BackendFactory, Queue as BullQueue, type IQueueBackend } from 'bullmq'
import type { Lane } from '../lanes/index.ts'
import { startBullConsumer } from './bullmq-consumer.ts'
import type { Consumer, Hint, Queue, QueueContext } from './port.ts'
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
      const consumer = await startBullConsumer({
        lane,
        concurrency,
        handle,
        connection: store.consumer,
        backend: store.backend,
        isReachable: () =>
          ask(queues[lane].getJobCounts('active')).then(
            () => true,
            () => false,
          ),
        context,
      })
      consumers.add(consumer)
      return consumer
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
