import { coalesce } from '../coalesce.ts'
import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import type { Dispatcher } from '../lanes/index.ts'
import { type Submitted, submitTasks, type TaskSubmission } from './submit-tasks.ts'

/** More rows in a statement save little more, and a lost statement loses less. */
const MAX_BATCH = 200
const MAX_IN_FLIGHT = 3

/**
 * Takes submissions: records them, and then lets the lanes know. Requests that come at one moment share a transaction,
 * so a gateway under load commits a few times for many tasks.
 *
 * @returns submits any number of tasks in one transaction, each with its own verdict: recorded, answered again, or the
 * error `IDEMPOTENCY_KEY_REUSED` when its key stands for another body
 */
export const createIntake = ({ sql, dispatcher }: { sql: Sql; dispatcher: Pick<Dispatcher, 'tell'> }) => {
  const limits = { maxInFlight: MAX_IN_FLIGHT, maxItems: MAX_BATCH }
  const record = coalesce((submissions: readonly TaskSubmission[]) => submitTasks(sql, submissions), limits)

  const announce = (verdicts: readonly (Submitted | PlatformError)[]) => {
    const news = verdicts.flatMap((verdict) =>
      verdict instanceof PlatformError || verdict.replayed
        ? []
        : [{ lane: verdict.task.lane, tenantId: verdict.task.tenantId }],
    )
    if (news.length > 0) dispatcher.tell(news)
  }

  return {
    /** @throws `IDEMPOTENCY_KEY_REUSED` */
    submit: async (submission: TaskSubmission): Promise<Submitted> => {
      const verdict = await record(submission)
      if (verdict instanceof PlatformError) throw verdict
      announce([verdict])
      return verdict
    },
    submitAll: async (submissions: readonly TaskSubmission[]): Promise<(Submitted | PlatformError)[]> => {
      const verdicts = await submitTasks(sql, submissions)
      announce(verdicts)
      return verdicts
    },
  }
}

export type Intake = ReturnType<typeof createIntake>
