import type { Sql } from '../../../shared/database/index.ts'

/** Seconds since 1970 by the database's clock. */
type Seconds = number

export type Event = { type: string; data: { attempt?: number; lane?: string; message?: string }; at: Seconds }

export type Attempt = {
  number: number
  worker: string
  startedAt: Seconds
  endedAt: Seconds | null
  outcome: string | null
  failureCode: string | null
}

/** All that the database knows of a task's life. */
export type History = {
  id: string
  name: string
  tenantId: string
  status: string
  attempt: number
  returns: number
  maxAttempts: number
  repeatable: boolean
  failureCode: string | null
  deadReason: string | null
  cancelRequestedAt: Seconds | null
  concurrencyKey: string | null
  concurrencyLimit: number | null
  events: Event[]
  attempts: Attempt[]
}

type EventRow = { taskId: string; type: string; data: string; at: Seconds }

const groupByTask = <T extends { taskId: string }>(rows: readonly T[]) =>
  Map.groupBy(rows, ({ taskId }) => taskId)

/** Reads the lives of all tasks, from one snapshot of the database. */
export const readHistories = async (sql: Sql): Promise<History[]> =>
  await sql.begin('isolation level repeatable read read only', async (snapshot) => {
    const tasks = await snapshot<Omit<History, 'events' | 'attempts'>[]>`
      select
        id, coalesce(name, '') as name, tenant_id as "tenantId", status, attempt, returns, max_attempts as "maxAttempts",
        repeatable, failure_code as "failureCode", dead_reason as "deadReason",
        extract(epoch from cancel_requested_at)::double precision as "cancelRequestedAt",
        concurrency_key as "concurrencyKey", concurrency_limit as "concurrencyLimit"
      from tasks
      order by id`
    const events = await snapshot<EventRow[]>`
      select task_id as "taskId", type, data, extract(epoch from created_at)::double precision as at
      from events
      order by id`
    const attempts = await snapshot<(Attempt & { taskId: string })[]>`
      select
        task_id as "taskId", number, worker, outcome, failure_code as "failureCode",
        extract(epoch from started_at)::double precision as "startedAt",
        extract(epoch from ended_at)::double precision as "endedAt"
      from attempts
      order by task_id, number`
    const eventsOf = groupByTask(events)
    const attemptsOf = groupByTask(attempts)
    return tasks.map((task) => ({
      ...task,
      events: (eventsOf.get(task.id) ?? []).map(({ type, data, at }) => ({
        type,
        data: JSON.parse(data),
        at,
      })),
      attempts: attemptsOf.get(task.id) ?? [],
    }))
  })
