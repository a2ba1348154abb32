import { LANES, pickLane } from '../../shared/lanes/index.ts'
import type { Policy } from './policies.ts'
import { createRandom } from './random.ts'
import type { SimulatedTask } from './workloads.ts'

/** How a task left a lane: whole, or stopped because it outlived the lane. */
export type SimulatedEnd = {
  task: SimulatedTask
  seconds: number
  completed: boolean
  /** Where it had been stopped before. */
  overranSeconds?: number
}

export type Outcome = {
  /** The share of tasks that were sent to another lane than their runtime belongs to. */
  misrouted: number
  /** The share that was sent to a lane they outlived. */
  overran: number
  /** From arrival to end, as a multiple of the runtime; bounded, as is usual: a run below a second counts as one. */
  meanSlowdown: number
}

type Job = { task: SimulatedTask; arrivesAt: number; overranSeconds?: number }
type Lane = { limitSeconds: number; free: number; line: Job[] }
type Run = { job: Job; lane: Lane; endsAt: number }

const SLOTS = 48
const FEWEST_SLOTS = 4
const BUSY_SHARE = 0.5
/** From a run's end until the gateways know of it: the worker gathers, and the gateway remembers. */
const FEEDBACK_SECONDS = 5
const SLOWDOWN_FLOOR_SECONDS = 1

// What the platform starts with (0003_lanes.sql).
const THRESHOLDS = { highPrioritySeconds: 5, defaultSeconds: 300 }
const OVERRUN_SECONDS = [10, 600, Number.POSITIVE_INFINITY] as const

const laneIndex = (seconds: number) => LANES.indexOf(pickLane(seconds, THRESHOLDS))

/** Slots in proportion to the work that belongs to each lane, and the time in which it keeps them as busy as that. */
const planLanes = (tasks: readonly SimulatedTask[]) => {
  const work = LANES.map(() => 0)
  for (const { seconds } of tasks) work[laneIndex(seconds)] = (work[laneIndex(seconds)] ?? 0) + seconds
  const total = work.reduce((sum, seconds) => sum + seconds)
  const slots = work.map((seconds) => Math.max(FEWEST_SLOTS, Math.round((SLOTS * seconds) / total)))
  const durationSeconds = Math.max(
    ...work.map((seconds, index) => seconds / ((slots[index] ?? FEWEST_SLOTS) * BUSY_SHARE)),
  )
  const lanes = slots.map(
    (free, index): Lane => ({ limitSeconds: OVERRUN_SECONDS[index] ?? 0, free, line: [] }),
  )
  return { lanes, durationSeconds }
}

/** Independent arrivals, as many tasks in each stretch of time. */
const planArrivals = (tasks: readonly SimulatedTask[], durationSeconds: number): Job[] => {
  const random = createRandom(tasks.length)
  let now = 0
  return tasks.map((task) => {
    now -= (Math.log(1 - random.uniform()) * durationSeconds) / tasks.length
    return { task, arrivesAt: now }
  })
}

/**
 * Lets tasks through three lanes with a number of slots each, first in, first out. A task that outlives its lane is stopped
 * and starts anew in the next one.
 */
export const simulate = (tasks: readonly SimulatedTask[], policy: Policy): Outcome => {
  const { lanes, durationSeconds } = planLanes(tasks)
  const running: Run[] = []
  const feedback: { knownAt: number; end: SimulatedEnd }[] = []
  let misrouted = 0
  let overran = 0
  let slowdown = 0

  const startWaiting = (lane: Lane, now: number) => {
    for (let job = lane.line[0]; job && lane.free > 0; job = lane.line[0]) {
      lane.line.shift()
      lane.free -= 1
      running.push({ job, lane, endsAt: now + Math.min(job.task.seconds, lane.limitSeconds) })
    }
  }
  const enqueue = (job: Job, lane: Lane | undefined, now: number) => {
    if (!lane) throw new Error('there is no lane for so long a task')
    lane.line.push(job)
    startWaiting(lane, now)
  }
  const end = ({ job, lane, endsAt }: Run) => {
    const { task, arrivesAt, overranSeconds } = job
    const completed = task.seconds < lane.limitSeconds
    const seconds = Math.min(task.seconds, lane.limitSeconds)
    feedback.push({
      knownAt: endsAt + FEEDBACK_SECONDS,
      end: { task, seconds, completed, ...(overranSeconds !== undefined && { overranSeconds }) },
    })
    lane.free += 1
    startWaiting(lane, endsAt)
    if (completed) {
      slowdown += Math.max(1, (endsAt - arrivesAt) / Math.max(SLOWDOWN_FLOOR_SECONDS, task.seconds))
    } else {
      if (overranSeconds === undefined) overran += 1
      enqueue({ ...job, overranSeconds: seconds }, lanes[lanes.indexOf(lane) + 1], endsAt)
    }
  }
  const runUntil = (now: number) => {
    while (running.length > 0) {
      const next = running.reduce((first, run) => (run.endsAt < first.endsAt ? run : first))
      if (next.endsAt > now) return
      running.splice(running.indexOf(next), 1)
      end(next)
    }
  }

  for (const job of planArrivals(tasks, durationSeconds)) {
    runUntil(job.arrivesAt)
    for (let known = feedback[0]; known && known.knownAt <= job.arrivesAt; known = feedback[0]) {
      feedback.shift()
      policy.learn(known.end)
    }
    const index = laneIndex(policy.expectSeconds(job.task))
    if (index !== laneIndex(job.task.seconds)) misrouted += 1
    enqueue(job, lanes[index], job.arrivesAt)
  }
  runUntil(Number.POSITIVE_INFINITY)
  return {
    misrouted: misrouted / tasks.length,
    overran: overran / tasks.length,
    meanSlowdown: slowdown / tasks.length,
  }
}
