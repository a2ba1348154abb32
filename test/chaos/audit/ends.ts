import type { Receipt } from '../clients.ts'
import type { PlannedTask } from '../workload.ts'
import type { History } from './history.ts'

/** A cancellation that waits for a lock got its time before it could act. */
const CANCEL_SLACK_SECONDS = 2

const failedAttempts = ({ attempts }: History) => attempts.filter(({ outcome }) => outcome === 'failed')

/** It ended for the platform's sake, in a way that the task's own terms allow. */
export const isGivenUp = (history: History): boolean => {
  if (history.status !== 'failed' || history.failureCode !== 'worker_lost') return false
  if (!history.repeatable) return history.deadReason === 'not_repeatable'
  return history.deadReason === 'attempts_exhausted' && failedAttempts(history).length === history.maxAttempts
}

const findWrongEnd = (plan: PlannedTask, history: History): string[] => {
  const end = history.status === 'failed' ? history.failureCode : history.status
  if (plan.ends.some((right) => right === end) || isGivenUp(history)) return []
  if (end === 'cancelled' && history.cancelRequestedAt !== null && plan.cancelAfterMs !== undefined) return []
  const attempts = history.attempts.map(({ outcome, failureCode }) => failureCode ?? outcome).join(', ')
  return [`${history.name}: ended as ${end} after ${attempts}; right is ${plan.ends.join(' or ')}`]
}

const findLateStart = ({ name, cancelRequestedAt, attempts }: History): string[] => {
  if (cancelRequestedAt === null) return []
  const late = attempts.filter(({ startedAt }) => startedAt > cancelRequestedAt + CANCEL_SLACK_SECONDS)
  return late.map(({ number }) => `${name}: attempt ${number} began after it had been cancelled`)
}

/** An unrepeatable task that was started again, though it may have done something the first time. */
const findRepeats = ({ name, repeatable, attempts }: History): string[] =>
  !repeatable && attempts.length > 1
    ? [`${name}: an unrepeatable task was started ${attempts.length} times`]
    : []

/** What clients were told and is not so: tasks lost, made twice, or ended as they should not have. */
export const findBrokenPromises = (
  plans: readonly PlannedTask[],
  receipts: readonly Receipt[],
  histories: readonly History[],
): string[] => {
  const faults: string[] = []
  const byId = new Map(histories.map((history) => [history.id, history]))
  for (const { id, task } of receipts) {
    if (byId.get(id)?.name !== task.name) faults.push(`${task.name}: acknowledged as ${id} and lost`)
  }
  const byName = Map.groupBy(histories, ({ name }) => name)
  for (const plan of plans) {
    const made = byName.get(plan.name) ?? []
    if (made.length !== 1) faults.push(`${plan.name}: made ${made.length} times`)
    for (const history of made)
      faults.push(...findWrongEnd(plan, history), ...findLateStart(history), ...findRepeats(history))
  }
  return faults
}
