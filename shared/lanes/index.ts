/**
 * Lanes: the three queues a task can wait in. Which one it is, its expected runtime decides.
 *
 * @module
 */
export const LANES = ['high_priority', 'default', 'long_running'] as const

export type Lane = (typeof LANES)[number]

export { LaneThresholds, pickLane } from './route.ts'
