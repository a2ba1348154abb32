import type { Distribution } from './distribution.ts'
import { expectError, type Forecast } from './forecast.ts'
import type { Model } from './model.ts'
import { clampSeconds, isRuntime, sizeClassOf } from './scale.ts'
import { type Caller, forecastSubjects, functionSubject } from './subjects.ts'

export const ESTIMATE_SOURCES = ['caller', 'history', 'manifest', 'tier'] as const
export type EstimateSource = (typeof ESTIMATE_SOURCES)[number]

export type EstimateRequest = Caller & {
  /** Inputs and input files together. */
  inputBytes: number
  callerSeconds?: number | undefined
  manifestSeconds?: number | undefined
  tierSeconds: number
  /** No run outlives it. */
  timeoutSeconds?: number | undefined
}

export type Estimate = {
  /** What to route by: the runtime that the configured share of such runs stays below. */
  seconds: number
  /** What to show: half of such runs take less. */
  expectedSeconds: number
  /** What to reckon with where a mistake is dear: nine of ten such runs take less. */
  cautiousSeconds: number
  source: EstimateSource
  /** What was forecast and is to be held against what comes; belongs into the observation. */
  forecast?: Forecast
}

/** What counts as ignorance in comparing two sources, while there is only one observation of one. */
const IGNORANCE = Math.log(16)

/** How wide the range is that a source leaves open. */
const measureDoubt = ({ low, high, weight }: Distribution) => high - low + IGNORANCE / (1 + weight)

const findForecast = ({ callerSeconds, manifestSeconds, tierSeconds }: EstimateRequest): Forecast => {
  if (isRuntime(callerSeconds)) return { by: 'caller', seconds: callerSeconds }
  if (isRuntime(manifestSeconds)) return { by: 'manifest', seconds: manifestSeconds }
  return { by: 'tier', seconds: tierSeconds }
}

/** Names the histories that an estimate draws on, within the tenant. */
export const listSubjects = (request: EstimateRequest): string[] => [
  functionSubject(request),
  ...forecastSubjects(findForecast(request).by, request),
]

/**
 * Expects a task's runtime: by the caller as far as the record bears the caller out, else by the function's history, else
 * by the manifest or the tier, put right by how they turned out for others' new functions.
 *
 * @param models - the histories of `listSubjects`, in that order
 */
export const estimateRuntime = (
  request: EstimateRequest,
  [runtimes, ...records]: readonly Model[],
  quantile: number,
): Estimate => {
  const forecast = findForecast(request)
  const history = runtimes?.expect(sizeClassOf(request.inputBytes))
  const error = expectError(records, quantile)
  const isForecast = !history || (forecast.by === 'caller' && measureDoubt(error) < measureDoubt(history))
  const { median, asked, high } = isForecast ? error : history
  const toSeconds = (value: number) =>
    Math.min(
      clampSeconds((isForecast ? forecast.seconds : 1) * Math.exp(value)),
      request.timeoutSeconds ?? Number.POSITIVE_INFINITY,
    )
  return {
    seconds: toSeconds(asked),
    expectedSeconds: toSeconds(median),
    cautiousSeconds: toSeconds(high),
    source: isForecast ? forecast.by : 'history',
    ...((isForecast || forecast.by === 'caller') && { forecast }),
  }
}
