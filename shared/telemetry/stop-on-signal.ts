import type { Logger } from './logger.ts'

/** A part of a process; parts stop in the reverse order of their starting. */
export type Part = { name: string; stop(): Promise<unknown> }

/**
 * Ends a process in order on SIGTERM or SIGINT: each part stops after the ones that were started later. Parts may be
 * added to the list while the process starts, also when it has been told to stop meanwhile.
 * A part that fails to stop is logged and does not keep the others from stopping. A second signal changes nothing.
 */
export const stopOnSignal = (parts: Part[], logger: Logger): void => {
  let stopping = false
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) return
    stopping = true
    logger.info({ signal }, 'stopping')
    for (let part = parts.pop(); part; part = parts.pop()) {
      try {
        await part.stop()
      } catch (error) {
        logger.error({ error, part: part.name }, 'part did not stop cleanly')
        process.exitCode = 1
      }
    }
    logger.info('stopped')
    process.exit()
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
}
