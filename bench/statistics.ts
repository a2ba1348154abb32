export type Percentiles = { p50: number; p99: number; runs: number }

/** The median and the 99th percentile (nearest rank) of samples. */
export const percentiles = (samples: readonly number[]): Percentiles => {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), runs: sorted.length }
}
