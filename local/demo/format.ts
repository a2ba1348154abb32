const LOCALE = 'en'
const SIGNIFICANT_DIGITS = 4
const MAX_DECIMALS = 6

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB'] as const

const percent = new Intl.NumberFormat(LOCALE, {
  style: 'percent',
  signDisplay: 'exceptZero',
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
})
const brief = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 2 })

/** A number with so many decimals, and thousands set apart: `1,531`. */
export const formatNumber = (value: number, decimals: number): string =>
  new Intl.NumberFormat(LOCALE, {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    signDisplay: 'negative',
  }).format(value)

/** How many decimals show four significant digits of a number of this size. */
export const countDecimals = (scale: number): number =>
  Math.min(MAX_DECIMALS, Math.max(0, SIGNIFICANT_DIGITS - 1 - Math.floor(Math.log10(scale))))

/** `+0.26 %`. */
export const formatPercent = (ratio: number): string => percent.format(ratio).replace('%', ' %')

/** Two significant digits, for what need not be exact: `±0.5`. */
export const formatBrief = (value: number): string => brief.format(value)

/** `87 ms`, `1.4 s`, `12 s`, `3 min 20 s`. */
export const formatSeconds = (seconds: number): string => {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`
}

/** `2.3 MB`. */
export const formatBytes = (size: number): string => {
  const power = size < 1 ? 0 : Math.min(SIZE_UNITS.length - 1, Math.floor(Math.log10(size) / 3))
  return `${formatNumber(size / 1000 ** power, power === 0 ? 0 : 1)} ${SIZE_UNITS[power]}`
}
