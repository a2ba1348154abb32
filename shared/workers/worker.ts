import type { Lane } from '../lanes/index.ts'
import type { SelfTestReport } from '../sandbox/index.ts'

export const WORKER_KINDS = ['consumer', 'runner', 'job'] as const
export type WorkerKind = (typeof WORKER_KINDS)[number]

/** How many tasks of each lane a worker runs at once; a lane that is not there it leaves alone. */
export type Slots = Partial<Record<Lane, number>>

/** Sandboxes alive: nobody's yet, waiting for their tenant's next run, and all with those at work. */
export type SandboxCount = { blank: number; idle: number; total: number }

/** What a worker says of itself when it starts. */
export type Registration = {
  id: string
  /** The name that stands in its attempts. */
  name: string
  kind: WorkerKind
  slots: Slots
  selfTest: SelfTestReport
  version: string
}

/** `lost`: it has not been heard of for longer than it promised, and counts for nothing. */
export const WORKER_STATES = ['alive', 'draining', 'lost'] as const
export type WorkerState = (typeof WORKER_STATES)[number]

export type Worker = Registration & {
  state: WorkerState
  startedAt: Date
  aliveUntil: Date
  sandboxes: SandboxCount
}
