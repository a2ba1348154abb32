import type { Progress } from './port.ts'

const MAX_MESSAGE = 1_000

const numberWithin = (value: unknown, max: number): number | undefined =>
  typeof value === 'number' && value >= 0 && value <= max ? value : undefined

/** A line of `progress.jsonl`; undefined when it says nothing that can be understood. */
export const parseProgress = (line: Uint8Array): Progress | undefined => {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { fraction, message, eta_seconds } = value as Record<keyof Progress, unknown>
  const progress: Progress = {}
  const checkedFraction = numberWithin(fraction, 1)
  const checkedEta = numberWithin(eta_seconds, Number.MAX_SAFE_INTEGER)
  if (checkedFraction !== undefined) progress.fraction = checkedFraction
  if (typeof message === 'string') progress.message = message.toWellFormed().slice(0, MAX_MESSAGE)
  if (checkedEta !== undefined) progress.eta_seconds = checkedEta
  return Object.keys(progress).length > 0 ? progress : undefined
}
