import type { Lane } from '../lanes/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Explain } from './explain.ts'
import type { Warn } from './warn.ts'

/** "Attempt `attempt` of task `taskId` may start." Two equal hints in the queue are one. */
export type Hint = { taskId: string; attempt: number }

export type HandleHint = (hint: Hint) => Promise<void>

export type Consumer = {
  /** Takes no more hints and resolves when the hints in hand are handled. Safe to call twice. */
  stop(): Promise<void>
}

export type Queue = {
  /** Announces waiting tasks in order. Announcing one that is announced already changes nothing. */
  enqueue(lane: Lane, hints: readonly Hint[]): Promise<void>
  /**
   * Hands hints of a lane to `handle`, at most `concurrency` at once, first in first out.
   * A hint whose handler throws is dropped: the janitor announces the task again if it still waits.
   */
  consume(lane: Lane, concurrency: number, handle: HandleHint): Promise<Consumer>
  /** How many hints wait and how many are being handled, over all consumers. */
  depth(lane: Lane): Promise<{ waiting: number; active: number }>
  /** Stops the consumers that still run, then lets go of every connection. */
  close(): Promise<void>
}

/** What every adapter is given. */
export type QueueContext = {
  logger: Logger
  explain: Explain
  warn: Warn
  timeoutMs: number
  silenceMs: number
}
