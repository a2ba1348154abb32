import { randomUUID } from 'node:crypto'
import type { Consumer, Queue, QueueContext } from './port.ts'
import { connectRows } from './rows-connection.ts'
import { startRowsConsumer } from './rows-consumer.ts'
import { createPulse } from './rows-pulse.ts'
import { addHints, countHints, createTables, exchangeHints } from './rows-statements.ts'

const BATCH_SIZE = 1_000

/** The queue port over two tables of PostgreSQL: `for update skip locked` takes, NOTIFY wakes. */
export const openRowsQueue = async (url: URL, context: QueueContext): Promise<Queue> => {
  const connection = connectRows(url, context)
  const holder = randomUUID()
  const held = new Set<string>()
  const pulse = createPulse(connection, holder, held, context)
  const consumers = new Set<Consumer>()
  try {
    await connection.ask(createTables)
  } catch (error) {
    await connection.end()
    throw error
  }
  return {
    async enqueue(lane, hints) {
      for (let start = 0; start < hints.length; start += BATCH_SIZE) {
        const batch = hints.slice(start, start + BATCH_SIZE)
        await connection.ask((sql) => addHints(sql, lane, batch))
      }
    },
    async consume(lane, concurrency, handle) {
      await pulse.start()
      const consumer = await startRowsConsumer({
        lane,
        concurrency,
        handle,
        exchange: (handled, limit) =>
          connection.ask((sql) => exchangeHints(sql, holder, lane, handled, limit)),
        held,
        listen: (heard) => connection.listen(lane, heard),
        logger: context.logger,
        warn: context.warn,
      })
      consumers.add(consumer)
      return consumer
    },
    async depth(lane) {
      const [count] = await connection.ask((sql) => countHints(sql, lane))
      return count ?? { waiting: 0, active: 0 }
    },
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()))
      await pulse.stop()
      await connection.end()
    },
  }
}
