import type { Sql } from '../database/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { learn } from './learn.ts'
import type { Observation } from './observation.ts'
import type { EstimateSettings } from './settings.ts'

/** Adding them up is work for the processor: not so many that anything else waits noticeably. */
const MAX_BATCH = 50

export type Learning = {
  /** Takes an observation and returns at once. */
  observe(observation: Observation): void
  /** Writes what waits, and takes no more. */
  stop(): Promise<void>
}

/**
 * Learns beside the work: gathers observations and writes them together. What cannot be written is dropped with a
 * warning: an estimate that is a little older harms nobody.
 */
export const startLearning = ({
  sql,
  logger,
  settings,
}: {
  sql: Sql
  logger: Logger
  settings: EstimateSettings
}): Learning => {
  let waiting: Observation[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  let stopped = false

  const writeBatch = async (batch: readonly Observation[]) => {
    try {
      const givenUp = await learn(sql, batch, settings)
      if (givenUp > 0) logger.debug({ givenUp }, 'histories that others were always quicker to change')
    } catch (error) {
      logger.warn({ error, observations: batch.length }, 'observations were not learned')
      // While the process ends nobody waits for a database that is away.
      if (stopped) waiting = []
    }
  }
  const writeAll = async () => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH)
      waiting = waiting.slice(MAX_BATCH)
      await writeBatch(batch)
    }
  }
  const write = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing ??= writeAll().finally(() => {
      writing = undefined
    })
    return writing
  }

  return {
    observe: (observation) => {
      if (stopped || waiting.length >= settings.maxWaitingObservations) return
      waiting.push(observation)
      timer ??= setTimeout(() => void write(), settings.learnIntervalMs).unref()
    },
    stop: async () => {
      stopped = true
      await write()
    },
  }
}
