import type { LogChunk } from './record-progress.ts'

const FLUSH_INTERVAL_MS = 300
/** Neighbouring pieces of one stream are joined up to this many characters a chunk. */
const CHUNK_CHARACTERS = 16_384

export type LogWriter = {
  write(kind: LogChunk['kind'], text: string): void
  /** Stops flushing, and gives every chunk written and how many of them were flushed. */
  close(): Promise<{ chunks: LogChunk[]; flushed: number }>
}

/**
 * Collects what a run prints and hands it on in batches while it runs. What is written before the first interval has
 * passed is never flushed, so a short task costs no statement. A failing flush loses no text: `close` has it all.
 */
export const createLogWriter = (flush: (chunks: LogChunk[]) => Promise<void>): LogWriter => {
  const chunks: LogChunk[] = []
  let flushed = 0
  let handed = 0
  let timer: NodeJS.Timeout | undefined
  let flushing: Promise<void> = Promise.resolve()

  const flushNow = () => {
    timer = undefined
    const batch = chunks.slice(handed)
    handed = chunks.length
    // After a batch that failed nothing more is flushed, so that the flushed chunks are the first ones.
    flushing = flushing.then(async () => {
      if (flushed !== batch[0]?.index) return
      await flush(batch)
      flushed += batch.length
    })
    flushing = flushing.catch(() => {})
  }

  return {
    write: (kind, text) => {
      const last = chunks.at(-1)
      if (
        last &&
        last.index >= handed &&
        last.kind === kind &&
        last.chunk.length + text.length <= CHUNK_CHARACTERS
      ) {
        last.chunk += text
      } else {
        chunks.push({ index: chunks.length, kind, chunk: text })
      }
      timer ??= setTimeout(flushNow, FLUSH_INTERVAL_MS)
    },
    close: async () => {
      clearTimeout(timer)
      await flushing
      return { chunks, flushed }
    },
  }
}
