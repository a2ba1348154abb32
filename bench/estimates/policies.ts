import { estimateRuntime, listSubjects } from '../../shared/estimates/estimate.ts'
import type { Forecast } from '../../shared/estimates/forecast.ts'
import { EMPTY_HISTORY, type History } from '../../shared/estimates/history.ts'
import { createModel, type Model } from '../../shared/estimates/model.ts'
import { applyChanges, listChanges } from '../../shared/estimates/observation.ts'
import { nameKey } from '../../shared/estimates/read-histories.ts'
import type { SimulatedEnd } from './simulate.ts'
import type { SimulatedTask } from './workloads.ts'

/** A way to guess runtimes, before and after it has seen some. */
export type Policy = {
  /** The runtime to route by. */
  expectSeconds(task: SimulatedTask): number
  learn(end: SimulatedEnd): void
}

/** The platform's estimator, with its histories in memory. */
export const createEstimatorPolicy = (quantile: number): Policy => {
  const histories = new Map<string, History>()
  const models = new Map<string, Model>()
  const forecasts = new Map<SimulatedTask, Forecast | undefined>()
  const findModel = (name: string) => {
    const model = models.get(name) ?? createModel(histories.get(name) ?? EMPTY_HISTORY, quantile)
    models.set(name, model)
    return model
  }
  return {
    expectSeconds: (task) => {
      const { tenantId } = task
      const known = listSubjects(task).map((subject) => findModel(nameKey({ tenantId, subject })))
      const { seconds, forecast } = estimateRuntime(task, known, quantile)
      forecasts.set(task, forecast)
      return seconds
    },
    learn: ({ task, ...end }) => {
      for (const change of listChanges({ ...task, ...end, forecast: forecasts.get(task) })) {
        const name = nameKey(change)
        histories.set(name, applyChanges(histories.get(name) ?? EMPTY_HISTORY, [change]))
        models.delete(name)
      }
    },
  }
}

/** Static thresholds: the caller is taken at the word, else the tier is. */
export const createStaticPolicy = (): Policy => ({
  expectSeconds: ({ callerSeconds, tierSeconds }) => callerSeconds ?? tierSeconds,
  learn: () => {},
})

/** As long as the function's latest run; the first one as long as the caller or the tier says. */
export const createLastValuePolicy = (): Policy => {
  const latest = new Map<string, number>()
  return {
    expectSeconds: ({ functionKey, callerSeconds, tierSeconds }) =>
      latest.get(functionKey) ?? callerSeconds ?? tierSeconds,
    learn: ({ task, seconds }) => void latest.set(task.functionKey, seconds),
  }
}

/** Knows what nobody can know. */
export const createOracle = (): Policy => ({ expectSeconds: ({ seconds }) => seconds, learn: () => {} })
