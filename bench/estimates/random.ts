/** A stream of random numbers that is the same for the same seed (Mulberry32). */
export type Random = {
  /** Uniform in [0, 1). */
  uniform(): number
  normal(): number
  /** Its logarithm is normal around the logarithm of the median. */
  lognormal(median: number, sigma: number): number
  /** A power law: the share of values above `x` is (lowest / x) ** alpha. */
  pareto(lowest: number, alpha: number): number
  pick<T>(values: readonly [T, ...T[]]): T
}

export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  return {
    uniform,
    normal,
    lognormal: (median, sigma) => median * Math.exp(sigma * normal()),
    pareto: (lowest, alpha) => lowest * (1 - uniform()) ** (-1 / alpha),
    pick: (values) => values[Math.floor(uniform() * values.length)] ?? values[0],
  }
}

/** Draws from 0 to `count` - 1, the n-th with a chance in proportion to n ** -exponent. */
export const createZipf = (count: number, exponent: number, { uniform }: Random): (() => number) => {
  const cumulative: number[] = []
  let total = 0
  for (let rank = 1; rank <= count; rank += 1) {
    total += rank ** -exponent
    cumulative.push(total)
  }
  return () => {
    const drawn = uniform() * total
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((cumulative[middle] ?? total) < drawn) low = middle + 1
      else high = middle
    }
    return low
  }
}
