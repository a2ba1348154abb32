import { createPostgresBackend } from 'bullmq'
import { createBullQueue } from './bullmq.ts'
import type { Queue, QueueContext } from './port.ts'

const SCHEMA = 'bullmq'
const MAX_CONNECTIONS = 4

/**
 * The queue port over PostgreSQL, by BullMQ's own back end. Not the default: it is slower, it puts the database's
 * commits in a row, and its lock renewals deadlock with its stalled check (docs/queue.md has the figures).
 */
export const openBullPostgresQueue = async (url: URL, context: QueueContext): Promise<Queue> => {
  const { timeoutMs } = context
  const connection = {
    connectionString: url.href.replace(/^bullmq\+/, ''),
    schema: SCHEMA,
    // Under an advisory lock of BullMQ's, so that processes may start together.
    migrate: true,
    max: MAX_CONNECTIONS,
    application_name: 'queue',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
  }
  return await createBullQueue(context, {
    backend: createPostgresBackend,
    producer: connection,
    consumer: connection,
    close: () => {},
  })
}
