/**
 * The registry of workers: which processes run attempts now, how many at once, and how strong their sandboxes proved.
 *
 * @module
 */
export { addWorkerMetrics } from './add-worker-metrics.ts'
export { type KeepRegisteredOptions, type KeptRegistration, keepRegistered } from './keep-registered.ts'
export { listWorkers, registerWorker, removeLostWorkers, removeWorker, reportAlive } from './registry.ts'
export {
  type Registration,
  type SandboxCount,
  type Slots,
  WORKER_KINDS,
  WORKER_STATES,
  type Worker,
  type WorkerKind,
  type WorkerState,
} from './worker.ts'
