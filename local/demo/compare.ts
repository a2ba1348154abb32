import type { ExpectedValue } from './example.ts'

export type Check = ExpectedValue & {
  /** What the calculation returned there; undefined when it is not a finite number. */
  result: number | undefined
  within: boolean
}

const readPath = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (at, key) =>
        typeof at === 'object' && at !== null && Object.hasOwn(at, key)
          ? (at as Record<string, unknown>)[key]
          : undefined,
      value,
    )

/** The largest difference that an expected value allows, in its own unit. */
export const allowedDeviation = (value: ExpectedValue): number =>
  value.absolute_tolerance ?? (value.relative_tolerance ?? 0) * Math.abs(value.expected)

/** Holds each expected value against the result. What is missing, not a number or not finite is out of tolerance. */
export const compareResult = (result: unknown, values: readonly ExpectedValue[]): Check[] =>
  values.map((value) => {
    const found = readPath(result, value.path)
    if (typeof found !== 'number' || !Number.isFinite(found))
      return { ...value, result: undefined, within: false }
    return { ...value, result: found, within: Math.abs(found - value.expected) <= allowedDeviation(value) }
  })
