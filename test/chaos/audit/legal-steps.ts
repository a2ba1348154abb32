import type { Attempt, Event, History } from './history.ts'

/** What may follow what, in a task's life. */
const NEXT: Record<string, readonly string[]> = {
  '': ['task.queued'],
  'task.queued': ['task.running', 'task.cancelled', 'task.failed'],
  'task.running': ['task.queued', 'task.completed', 'task.failed', 'task.cancelled'],
  'task.completed': [],
  'task.failed': [],
  'task.cancelled': [],
}

/** Signs of life of a running attempt; they change no state. */
const SIGNS = ['task.progress', 'task.moved']

const TERMINAL = ['completed', 'failed', 'cancelled']

/** How an attempt must have ended that this step put an end to. */
const OUTCOMES: Record<string, readonly string[]> = {
  'task.queued': ['failed', 'returned'],
  'task.completed': ['completed'],
  'task.failed': ['failed'],
  // A cancelled task whose attempt failed, or was given back, is not tried again.
  'task.cancelled': ['cancelled', 'failed', 'returned'],
}

const findIllegalEvents = (events: readonly Event[]): string[] => {
  const faults: string[] = []
  let state = ''
  let running = 0
  for (const { type, data } of events) {
    if (SIGNS.includes(type)) {
      if (state !== 'task.running') faults.push(`${type} in the state "${state}"`)
      continue
    }
    if (!NEXT[state]?.includes(type)) faults.push(`${type} in the state "${state}"`)
    if (type === 'task.running') {
      running += 1
      if (data.attempt !== running) faults.push(`attempt ${data.attempt} came as number ${running}`)
    } else if (state === 'task.running' && data.attempt !== running) {
      faults.push(`${type} names attempt ${data.attempt} while ${running} ran`)
    }
    state = type
  }
  return faults
}

const findIllegalAttempts = ({ attempts, events, attempt, returns }: History): string[] => {
  const steps = events.filter(({ type }) => !SIGNS.includes(type))
  // Each attempt, and the step after it.
  const ends = steps.flatMap(({ type }, index) =>
    type === 'task.running' ? [steps[index + 1]?.type ?? 'nothing'] : [],
  )
  const describe = ({ number, outcome }: Attempt) => `attempt ${number} is "${outcome}"`
  const faults = attempts.flatMap((one, index) => {
    const end = ends[index]
    if (one.number !== index + 1) return [`attempt ${one.number} stands at place ${index + 1}`]
    if (one.endedAt === null) return [`attempt ${one.number} never ended`]
    if (end === undefined) return [`attempt ${one.number} has no event`]
    if (!OUTCOMES[end]?.includes(one.outcome ?? '')) return [`${describe(one)}, and ${end} came after it`]
    return []
  })
  if (ends.length !== attempts.length) faults.push(`${ends.length} starts and ${attempts.length} attempts`)
  if (attempt !== attempts.length) faults.push(`it counts ${attempt} attempts and has ${attempts.length}`)
  const returned = attempts.filter(({ outcome }) => outcome === 'returned').length
  if (returns !== returned) faults.push(`it counts ${returns} returns and has ${returned}`)
  return faults
}

/** Every step of a task's life that the state machine does not know, and every end that came twice or never. */
export const findIllegalSteps = (history: History): string[] => {
  const { events, status, attempts } = history
  const faults = [...findIllegalEvents(events), ...findIllegalAttempts(history)]
  const ends = events.filter(({ type }) => TERMINAL.includes(type.slice('task.'.length)))
  if (ends.length !== 1) faults.push(`it ended ${ends.length} times`)
  if (ends[0] && ends[0].type !== `task.${status}`)
    faults.push(`it is ${status}, and its end was ${ends[0].type}`)
  const completions = attempts.filter(({ outcome }) => outcome === 'completed').length
  if (completions !== (status === 'completed' ? 1 : 0))
    faults.push(`it is ${status} with ${completions} completions`)
  return faults.map((fault) => `${history.name}: ${fault}`)
}
