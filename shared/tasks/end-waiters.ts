import { listen, type Sql } from '../database/index.ts'

export type EndWaiters = {
  /**
   * Resolves when the task has ended, or may have, or when `signal` aborts: then look at the row.
   * Call it before you look at the row, so that no end is missed.
   */
  wait(taskId: string, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** Lets any number of requests wait for the ends of tasks over one database listener, without polling. */
export const startEndWaiters = async (sql: Sql): Promise<EndWaiters> => {
  const waiting = new Map<string, Set<() => void>>()
  const wake = (taskId: string) => {
    for (const resolve of waiting.get(taskId) ?? []) resolve()
  }
  const wakeAll = () => {
    for (const taskId of waiting.keys()) wake(taskId)
  }
  const subscription = await listen(sql, 'task_ended', wake, wakeAll)
  return {
    wait: (taskId, signal) =>
      new Promise<void>((resolve) => {
        const waiters = waiting.get(taskId) ?? new Set()
        waiting.set(taskId, waiters)
        const done = () => {
          waiters.delete(done)
          if (waiters.size === 0) waiting.delete(taskId)
          signal.removeEventListener('abort', done)
          resolve()
        }
        waiters.add(done)
        if (signal.aborted) done()
        else signal.addEventListener('abort', done)
      }),
    stop: async () => {
      wakeAll()
      await subscription.stop()
    },
  }
}
