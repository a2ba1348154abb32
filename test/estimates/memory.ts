import {
  type Estimate,
  type EstimateRequest,
  estimateRuntime,
  listSubjects,
} from '../../shared/estimates/estimate.ts'
import { EMPTY_HISTORY, type History } from '../../shared/estimates/history.ts'
import { createModel } from '../../shared/estimates/model.ts'
import { applyChanges, listChanges, type Observation } from '../../shared/estimates/observation.ts'
import { nameKey } from '../../shared/estimates/read-histories.ts'

/** The lanes that a task may outlive. */
const LANES = [
  { upToSeconds: 5, stoppedAtSeconds: 10 },
  { upToSeconds: 300, stoppedAtSeconds: 600 },
]

/** Estimates and what they learn from, without a database. */
export const createMemory = (quantile = 0.7) => {
  const histories = new Map<string, History>()
  const estimate = (request: EstimateRequest): Estimate => {
    const { tenantId } = request
    const models = listSubjects(request).map((subject) =>
      createModel(histories.get(nameKey({ tenantId, subject })) ?? EMPTY_HISTORY, quantile),
    )
    return estimateRuntime(request, models, quantile)
  }
  const learn = (observation: Observation) => {
    for (const change of listChanges(observation)) {
      const name = nameKey(change)
      histories.set(name, applyChanges(histories.get(name) ?? EMPTY_HISTORY, [change]))
    }
  }
  /** A task goes through the lanes: stopped where it outlives one, told each time. Returns the estimate it started with. */
  const run = (request: EstimateRequest, seconds: number): Estimate => {
    const first = estimate(request)
    const { forecast } = first
    let overranSeconds: number | undefined
    for (const { upToSeconds, stoppedAtSeconds } of LANES) {
      if (first.seconds >= upToSeconds || seconds < stoppedAtSeconds) continue
      learn({ ...request, seconds: stoppedAtSeconds, completed: false, forecast, overranSeconds })
      overranSeconds = stoppedAtSeconds
    }
    learn({ ...request, seconds, completed: true, forecast, overranSeconds })
    return first
  }
  return { estimate, learn, run }
}

/** A request that is valid as it is. */
export const newRequest = (changes: Partial<EstimateRequest> = {}): EstimateRequest => ({
  tenantId: 'acme',
  userId: 'ada',
  functionKey: 'beam',
  inputBytes: 1_000,
  tierSeconds: 30,
  ...changes,
})
