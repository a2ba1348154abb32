import type { Lane } from './lane.ts'

/** Where one lane ends and the next begins, in seconds of expected runtime. */
export type LaneThresholds = { highPrioritySeconds: number; defaultSeconds: number }

/** The lane for an expected runtime. */
export const pickLane = (expectedSeconds: number, thresholds: LaneThresholds): Lane => {
  if (expectedSeconds < thresholds.highPrioritySeconds) return 'high_priority'
  return expectedSeconds < thresholds.defaultSeconds ? 'default' : 'long_running'
}
