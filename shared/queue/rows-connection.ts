import postgres, { type Sql } from 'postgres'
import type { Lane } from '../lanes/index.ts'
import type { QueueContext } from './port.ts'
import { laneChannel } from './rows-statements.ts'
import { NoAnswer, settleWithin } from './timeout.ts'

export type RowsConnection = {
  /** Sends a statement; fails with `UNAVAILABLE` within the time allowed. */
  ask<T>(request: (sql: Sql) => PromiseLike<T>): Promise<T>
  /** Calls `heard` when hints were announced, and after each interruption, when some may have gone unheard. */
  listen(lane: Lane, heard: () => void): Promise<{ stop(): Promise<void> }>
  end(): Promise<void>
}

/** Each lane's consumer asks one thing at a time; the rest is for `enqueue`. */
const MAX_CONNECTIONS = 6
const RECONNECT_SECONDS = 0.5
const KEEP_ALIVE_SECONDS = 10

export const connectRows = (url: URL, { explain, timeoutMs }: QueueContext): RowsConnection => {
  const connect = () =>
    postgres(url.href, {
      max: MAX_CONNECTIONS,
      connect_timeout: Math.ceil(timeoutMs / 1_000),
      keep_alive: KEEP_ALIVE_SECONDS,
      backoff: () => RECONNECT_SECONDS,
      // The server gives up first; when it has not answered even then, it is not there.
      connection: { application_name: 'queue', statement_timeout: Math.floor(timeoutMs * 0.8) },
      // The driver's query for the types, on every connect, would end the process if it failed: nobody awaits it.
      fetch_types: false,
      onnotice: () => {},
    })
  const listener = connect()
  let pool = connect()

  return {
    async ask(request) {
      const asked = pool
      try {
        return await settleWithin(timeoutMs, request(asked))
      } catch (error) {
        // A connection whose other end vanished stays "open" for a quarter of an hour, so its pool is given up.
        if (error instanceof NoAnswer && asked === pool) {
          pool = connect()
          void asked.end({ timeout: 0 })
        }
        throw explain(error)
      }
    },
    async listen(lane, heard) {
      const subscription = await settleWithin(
        timeoutMs,
        listener.listen(laneChannel(lane), heard, heard),
      ).catch((error: unknown) => {
        throw explain(error)
      })
      return { stop: () => settleWithin(timeoutMs, subscription.unlisten()).then(() => {}) }
    },
    async end() {
      await Promise.all([pool.end({ timeout: timeoutMs / 1_000 }), listener.end({ timeout: 0 })])
    },
  }
}
