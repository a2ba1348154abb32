import { createBell } from './bell.ts'
import type { QueueContext } from './port.ts'
import type { RowsConnection } from './rows-connection.ts'
import { reportAlive, reportGone } from './rows-statements.ts'

/** Several beats fit into the silence after which a holder counts as dead, so that a late one does no harm. */
const BEATS_IN_SILENCE = 3

/** Keeps what a holder holds its own, and frees what nobody who lives knows to hold. */
export const createPulse = (
  connection: RowsConnection,
  holder: string,
  held: ReadonlySet<string>,
  { silenceMs, warn }: QueueContext,
): { start(): Promise<void>; stop(): Promise<void> } => {
  const bell = createBell()
  let stopping = false
  let beating: Promise<void> | undefined

  const report = () => connection.ask((sql) => reportAlive(sql, holder, [...held], silenceMs))
  const beat = async () => {
    await bell.wait(silenceMs / BEATS_IN_SILENCE)
    while (!stopping) {
      await report().catch(warn)
      await bell.wait(silenceMs / BEATS_IN_SILENCE)
    }
    await connection.ask((sql) => reportGone(sql, holder)).catch(warn)
  }
  return {
    /** Returns after the first beat: a hint that is taken before would belong to nobody who lives. */
    async start() {
      if (!beating) await report()
      beating ??= beat()
    },
    async stop() {
      stopping = true
      bell.ring()
      await beating
    },
  }
}
