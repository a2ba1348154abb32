import { createHash } from 'node:crypto'
import type { Forecast } from './forecast.ts'

/** Whose function it is, who calls it, and which: all that histories are kept by. */
export type Caller = { tenantId: string; userId: string; functionKey: string }

const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

/** The key of a function that came as code: the same code and handler are the same function. */
export const hashInlineFunction = (code: string, handler: string): string =>
  `inline:${hash(`${handler}\n${code}`)}`

/** A function's key as it is, when it can stand in a subject. */
const nameFunction = (functionKey: string) =>
  /^[\x20-\x7e]{1,200}$/.test(functionKey) ? functionKey : hash(functionKey)

/** Names the history of a function's runtimes, within its tenant. */
export const functionSubject = ({ functionKey }: Caller): string => `function:${nameFunction(functionKey)}`

/**
 * Names the records of how forecasts turned out, the most specific first. What a tier or a manifest stands for is about
 * functions that are new, so their records are not kept by function.
 */
export const forecastSubjects = (by: Forecast['by'], { userId, functionKey }: Caller): string[] => {
  const general = [`${by}:${userId}`, by]
  return by === 'caller' ? [`${by}:${userId}:${nameFunction(functionKey)}`, ...general] : general
}
