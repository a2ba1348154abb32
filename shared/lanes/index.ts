/**
 * Lanes: the three queues a task can wait in, which one its expected runtime picks, and whose turn it is in each.
 * A task that has not ended has a row in `turns`; `shared/tasks` writes it with the task, the dispatcher moves it.
 * See docs/lanes.md.
 *
 * @module
 */
export { createDispatcher, type Dispatcher, type News } from './dispatcher.ts'
export { findSleepers, takeUnclaimed } from './find-sleepers.ts'
export { LANES, type Lane, nextLane } from './lane.ts'
export { countTasks, createLaneGate, type LaneGate } from './lane-gate.ts'
export {
  type LaneSettings,
  LaneSettingsPatch,
  listLanes,
  patchLane,
} from './lane-settings.ts'
export { type LaneThresholds, pickLane } from './route.ts'
