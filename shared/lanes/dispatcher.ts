import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from '../database/index.ts'
import type { Queue } from '../queue/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type AdmissionNews, admitTurns } from './admit-turns.ts'
import { LANES, type Lane } from './lane.ts'

/** Something happened that may let a task start: one was submitted, ended, cancelled or moved. */
export type News = {
  lane: Lane
  tenantId: string
  /** Worker-seconds that an ended task used beyond what was charged at its admission. */
  settleSeconds?: number
  /** The concurrency key that an ended task held. */
  freedKey?: string | null
}

export type Dispatcher = {
  /** Takes note and dispatches soon. What is lost in a crash, the janitor finds again. */
  tell(news: readonly News[]): void
  /** Dispatches a lane now, whether there is news or not, and resolves when that is done. */
  dispatch(lane: Lane, tenantIds?: readonly string[]): Promise<void>
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/** Tasks admitted by one statement: it holds the lane for a few milliseconds at most. */
const MOST = 64

/**
 * Lets tasks start when there is room for them: admits them in PostgreSQL and announces them to the queue. Every
 * process that has news does so itself, so there is no process whose loss stops a lane; calls for a lane while one is
 * under way share the next one.
 */
export const createDispatcher = ({
  sql,
  queue,
  logger,
  restMs = 0,
}: {
  /** Admissions are repaired after a crash of the database, so a pool of relaxed durability will do. */
  sql: Sql
  queue: Pick<Queue, 'enqueue'>
  logger: Logger
  /** The pause after a call that admitted nothing: a lane that is full is not asked about for every submission. */
  restMs?: number
}): Dispatcher => {
  const desks = Object.fromEntries(
    LANES.map((lane) => {
      const desk: { news: News[]; asked: boolean; running: Promise<void> | undefined } = {
        news: [],
        asked: false,
        running: undefined,
      }
      return [lane, desk]
    }),
  ) as Record<Lane, { news: News[]; asked: boolean; running: Promise<void> | undefined }>

  const collect = (news: readonly News[]): AdmissionNews => ({
    settlements: news.map(({ tenantId, settleSeconds = 0 }) => ({ tenantId, seconds: settleSeconds })),
    freedKeys: news.flatMap(({ tenantId, freedKey }) => (freedKey ? [{ tenantId, key: freedKey }] : [])),
  })

  const work = async (lane: Lane) => {
    const desk = desks[lane]
    while (desk.asked) {
      desk.asked = false
      const admitted = await admitTurns(sql, lane, collect(desk.news.splice(0)), MOST)
      if (admitted.length === MOST) desk.asked = true
      if (admitted.length > 0) await queue.enqueue(lane, admitted)
      else if (desk.asked) await delay(restMs)
    }
  }

  const start = (lane: Lane): Promise<void> => {
    const desk = desks[lane]
    desk.asked = true
    desk.running ??= work(lane)
      .catch((error: unknown) => {
        logger.warn({ error, lane }, 'a lane was not dispatched; the janitor will do it')
      })
      .finally(() => {
        desk.running = undefined
        // Asked again by someone who saw the last turn of the loop end.
        if (desk.asked && desk.news.length > 0) void start(lane)
      })
    return desk.running
  }

  const tell = (news: readonly News[]) => {
    for (const item of news) {
      desks[item.lane].news.push(item)
      if (!item.freedKey) continue
      // A key spans lanes: those who wait for it elsewhere may go on too.
      for (const lane of LANES)
        if (lane !== item.lane)
          desks[lane].news.push({ lane, tenantId: item.tenantId, freedKey: item.freedKey })
    }
    for (const lane of LANES) if (desks[lane].news.length > 0) void start(lane)
  }

  return {
    tell,
    dispatch: async (lane, tenantIds = []) => {
      desks[lane].news.push(...tenantIds.map((tenantId) => ({ lane, tenantId })))
      await start(lane)
    },
    stop: async () => {
      for (const { running } of Object.values(desks)) await running
    },
  }
}
