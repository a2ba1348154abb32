/**
 * How long a task will run: learned from every run, by function and by size of the inputs, and told before the next one.
 *
 * @module
 */
export { ESTIMATE_SOURCES, type Estimate, type EstimateRequest, type EstimateSource } from './estimate.ts'
export type { Forecast } from './forecast.ts'
export type { Observation } from './observation.ts'
export { type Estimator, openEstimator } from './open-estimator.ts'
export { EstimateSettings } from './settings.ts'
export { type Learning, startLearning } from './start-learning.ts'
export { hashInlineFunction } from './subjects.ts'
