import { z } from 'zod'

const count = (min: number, max: number, standard: number) => z.int().min(min).max(max).default(standard)

/** What the checks themselves may cost a process. Everything has a default; no limit can be switched off. */
export const prechecksConfigSchema = z.strictObject({
  /** Sources read at once, at most: the second thread starts when the first one is busy. Each takes about 90 MB. */
  threads: count(1, 16, 2),
  /** A file that takes longer ends its thread. */
  fileTimeoutMs: count(1, 60_000, 3_000),
  /** All files of a source together. */
  timeoutMs: count(1, 300_000, 15_000),
  /** JavaScript memory of a thread; Ruff's own is bounded by the size of a file. */
  threadMemoryMb: count(32, 4_096, 256),
  /** How deep Ruff may recurse into an expression; 4 is good for hundreds of brackets. */
  threadStackMb: count(1, 64, 4),
  /** Files that may wait for a thread; more are turned away. */
  maxWaiting: count(1, 100_000, 256),
  /** Findings reported of one source; one more says how many were left out. */
  maxFindings: count(1, 100_000, 1_000),
  /** Files and findings remembered from earlier checks. */
  cacheEntries: count(1, 1_000_000, 10_000),
})

export type PrechecksConfig = z.infer<typeof prechecksConfigSchema>
