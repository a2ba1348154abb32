import { coalesce } from '../coalesce.ts'
import type { Sql } from '../database/index.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type Estimate, type EstimateRequest, estimateRuntime, listSubjects } from './estimate.ts'
import { EMPTY_HISTORY } from './history.ts'
import { createModel, type Model } from './model.ts'
import { type HistoryKey, nameKey, readHistories } from './read-histories.ts'
import type { EstimateSettings } from './settings.ts'

const MAX_READ_TOGETHER = 1_000
const MAX_READS_IN_FLIGHT = 2

type Remembered = { model: Promise<Model>; readAtMs: number }

export type Estimator = {
  /**
   * Expects a task's runtime. What this process remembers costs no round trip; what it does not is read together with
   * what others ask for at the same moment. Never fails: without the database it knows no history.
   */
  estimate(request: EstimateRequest): Promise<Estimate>
}

/** Opens estimates over the histories in the database, with a memory of bounded size and age in front. */
export const openEstimator = ({
  sql,
  logger,
  settings,
}: {
  sql: Sql
  logger: Logger
  settings: EstimateSettings
}): Estimator => {
  const { quantile } = settings
  const unknown = createModel(EMPTY_HISTORY, quantile)
  /** The one that was asked for last stands last. */
  const remembered = new Map<string, Remembered>()

  const read = coalesce(
    async (keys: readonly HistoryKey[]) =>
      (await readHistories(sql, keys)).map(({ history }) => createModel(history, quantile)),
    { maxInFlight: MAX_READS_IN_FLIGHT, maxItems: MAX_READ_TOGETHER },
  )

  const remember = (name: string, entry: Remembered) => {
    remembered.delete(name)
    remembered.set(name, entry)
    for (const oldest of remembered.keys()) {
      if (remembered.size <= settings.maxRemembered) break
      remembered.delete(oldest)
    }
  }

  /** Reads anew; until that has come, what was known before holds. */
  const readAgain = (key: HistoryKey, before: Promise<Model> | undefined): Promise<Model> => {
    const name = nameKey(key)
    const reading = read(key).catch((error: unknown) => {
      logger.warn({ error }, 'estimates go without what the database knows')
      if (!before) remembered.delete(name)
      return before ?? unknown
    })
    const entry = { model: before ?? reading, readAtMs: performance.now() }
    remember(name, entry)
    void reading.then((model) => {
      entry.model = Promise.resolve(model)
    })
    return entry.model
  }

  const findModel = (key: HistoryKey): Promise<Model> => {
    const name = nameKey(key)
    const entry = remembered.get(name)
    if (!entry || performance.now() - entry.readAtMs > settings.refreshMs) return readAgain(key, entry?.model)
    remember(name, entry)
    return entry.model
  }

  return {
    estimate: async (request) => {
      const { tenantId } = request
      const models = await Promise.all(
        listSubjects(request).map((subject) => findModel({ tenantId, subject })),
      )
      return estimateRuntime(request, models, quantile)
    },
  }
}
