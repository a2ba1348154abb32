import { setTimeout as sleep } from 'node:timers/promises'
import type { Lane } from '../lanes/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { createBell } from './bell.ts'
import type { Consumer, HandleHint } from './port.ts'
import type { TakenHint } from './rows-statements.ts'
import type { Warn } from './warn.ts'

/** A wake-up is lost with the connection that would have brought it; a hint waits no longer than this for it. */
const IDLE_MS = 2_000
const RETRY_MS = 500

export type RowsConsumerOptions = {
  lane: Lane
  concurrency: number
  handle: HandleHint
  /** Lets go of handled hints and takes up to `limit` new ones, in one round trip. */
  exchange(handled: readonly string[], limit: number): Promise<TakenHint[]>
  /** The positions of all hints in this process's hands, kept up to date here. */
  held: Set<string>
  listen(heard: () => void): Promise<{ stop(): Promise<void> }>
  logger: Logger
  warn: Warn
}

/**
 * One loop takes as many hints as there are free hands, then sleeps until a hand is free or a hint is announced.
 * What was handled during one exchange is let go in the next, so the busier the lane, the fewer statements a hint.
 */
export const startRowsConsumer = async (options: RowsConsumerOptions): Promise<Consumer> => {
  const { lane, concurrency, handle, held, exchange, logger, warn } = options
  const bell = createBell()
  const handled: string[] = []
  let inHand = 0
  let stopping = false

  const start = async ({ taskId, attempt, position }: TakenHint) => {
    inHand += 1
    held.add(position)
    try {
      await handle({ taskId, attempt })
    } catch (err) {
      logger.error({ err, lane, taskId, attempt }, 'queue: the handler threw; hint dropped')
    }
    inHand -= 1
    handled.push(position)
    bell.ring()
  }

  const takeTurn = async () => {
    const free = stopping ? 0 : concurrency - inHand
    if (free === 0 && handled.length === 0) return
    const done = handled.splice(0)
    try {
      const taken = await exchange(done, free)
      for (const hint of taken) void start(hint)
    } catch (error) {
      warn(error)
      if (!stopping) {
        handled.push(...done)
        bell.ring()
        await sleep(RETRY_MS)
        return
      }
      // A consumer that stops leaves them behind: they come up again when its silence is noticed, and are refused.
    }
    for (const position of done) held.delete(position)
  }

  const loop = async () => {
    while (!stopping || inHand > 0 || handled.length > 0) {
      await takeTurn()
      if (!stopping || inHand > 0) await bell.wait(IDLE_MS)
    }
  }

  const subscription = await options.listen(bell.ring)
  const looping = loop()
  const stop = async () => {
    stopping = true
    bell.ring()
    await looping
    await subscription.stop().catch(warn)
  }
  let stopped: Promise<void> | undefined
  return {
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}
