import type { Forecast } from './forecast.ts'
import type { History } from './history.ts'
import { observe } from './observe.ts'
import { type Cell, isRuntime, sizeClassOf } from './scale.ts'
import { type Caller, forecastSubjects, functionSubject } from './subjects.ts'

/** A run that ended, one way or another. */
export type Observation = Caller & {
  inputBytes: number
  /** How long it ran. */
  seconds: number
  /** False when it was stopped or failed: then the function takes at least so long. */
  completed: boolean
  /** The estimate's forecast, if it had one. */
  forecast?: Forecast | undefined
  /** The runtime at which the same task outlived a lane before, if that was observed. */
  overranSeconds?: number | undefined
}

/** What an observation adds to one history of its tenant. */
export type Change = { tenantId: string; subject: string; cell: Cell; instead?: Cell }

/** What an observation adds to which histories; nothing when it is no measurement. */
export const listChanges = (observation: Observation): Change[] => {
  const { tenantId, seconds, completed, forecast, overranSeconds } = observation
  if (!(seconds >= 0 && Number.isFinite(seconds))) return []
  const toChange = (subject: string, sizeClass: number, unit: number): Change => ({
    tenantId,
    subject,
    cell: { sizeClass, value: seconds / unit, atLeast: !completed },
    ...(isRuntime(overranSeconds) && { instead: { sizeClass, value: overranSeconds / unit, atLeast: true } }),
  })
  const runtime = toChange(functionSubject(observation), sizeClassOf(observation.inputBytes), 1)
  if (!forecast || !isRuntime(forecast.seconds)) return [runtime]
  return [
    runtime,
    ...forecastSubjects(forecast.by, observation).map((subject) => toChange(subject, 0, forecast.seconds)),
  ]
}

/** Adds changes to a history, in order. */
export const applyChanges = (history: History, changes: readonly Change[]): History =>
  changes.reduce((changed, { cell, instead }) => observe(changed, cell, instead), history)
