import type { Progress } from '../sandbox/index.ts'

const SHORTEST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000
/** Of the time it has run: who watches for days needs no four looks a second, and every write is an event that is kept. */
const PAUSE_SHARE = 0.01

export type ProgressWriter = {
  write(progress: Progress): void
  /** Writes what has not been written yet. */
  close(): Promise<void>
}

/** A run that says how far it is and not how long it will take goes on as it went so far. */
const withEta = (progress: Progress, elapsedMs: number): Progress => {
  const { fraction, eta_seconds } = progress
  if (eta_seconds !== undefined || fraction === undefined || fraction === 0) return progress
  return { ...progress, eta_seconds: Math.round((elapsedMs / 100) * (1 / fraction - 1)) / 10 }
}

/**
 * Writes a run's progress while it runs, at a pace that slows down: of many lines in a moment the last one counts.
 * Progress is for watching, so a write that fails is not tried again.
 *
 * @param record - keeps a progress, as JSON text
 */
export const createProgressWriter = (record: (progress: string) => Promise<void>): ProgressWriter => {
  const startedMs = performance.now()
  let latest: string | undefined
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const writeNow = () => {
    timer = undefined
    const progress = latest
    latest = undefined
    if (progress !== undefined) writing = writing.then(() => record(progress)).catch(() => {})
  }

  return {
    write: (progress) => {
      const elapsedMs = performance.now() - startedMs
      const pauseMs = Math.min(Math.max(elapsedMs * PAUSE_SHARE, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS)
      latest = JSON.stringify(withEta(progress, elapsedMs))
      timer ??= setTimeout(writeNow, pauseMs)
    },
    close: async () => {
      clearTimeout(timer)
      writeNow()
      await writing
    },
  }
}
