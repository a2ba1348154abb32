/**
 * A consumer of the default lane in a process of its own, for tests that kill it. Prints a line for each hint it is
 * handed. With `hold` it never finishes one; with `handle` it does; with `close` it ends by itself after the first.
 */
import { openQueue } from '../../shared/queue/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'

const [url = '', mode = 'handle', silenceMs = '1000'] = process.argv.slice(2)
const queue = await openQueue(url, { logger: createLogger('test', 'silent'), silenceMs: Number(silenceMs) })
const { promise: first, resolve } = Promise.withResolvers<void>()
await queue.consume('default', 4, async ({ taskId, attempt }) => {
  // Synchronous on a pipe, so what was handled was also told, whenever the process dies.
  process.stdout.write(`${taskId} ${attempt}\n`)
  resolve()
  if (mode === 'hold') await new Promise(() => {})
})
process.stdout.write('ready\n')
if (mode === 'close') {
  await first
  await queue.close()
}
