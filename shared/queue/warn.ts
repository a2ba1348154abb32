import type { Logger } from '../telemetry/logger.ts'
import type { Explain } from './explain.ts'

const PERIOD_MS = 10_000

/** Reports what goes wrong in the background. */
export type Warn = (error: unknown) => void

/** Warns at once, then at most every ten seconds: in an outage each connection fails several times a second. */
export const createWarn = (logger: Logger, explain: Explain): Warn => {
  let quietUntil = 0
  let hidden = 0
  return (error) => {
    const now = performance.now()
    if (now < quietUntil) {
      hidden += 1
      return
    }
    logger.warn({ err: explain(error), hidden }, 'queue: trouble; it goes on by itself')
    quietUntil = now + PERIOD_MS
    hidden = 0
  }
}
