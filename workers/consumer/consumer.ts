import { LANES, type Lane } from '../../shared/lanes/index.ts'
import type { Queue } from '../../shared/queue/index.ts'
import type { AttemptRunner } from '../../shared/tasks/index.ts'

export type ConsumerOptions = {
  queue: Queue
  runner: AttemptRunner
  concurrency: Record<Lane, number>
  /** How long tasks in hand may still run once the consumer stops. */
  graceMs: number
}

/** The `pool` engine: takes hints off the lanes and runs the tasks that they name. */
export const startConsumer = async ({ queue, runner, concurrency, graceMs }: ConsumerOptions) => {
  const consumers = await Promise.all(
    LANES.filter((lane) => concurrency[lane] > 0).map((lane) =>
      queue.consume(lane, concurrency[lane], async () => {
        // A hint says that something is admitted; what runs is the task whose turn it is.
        await runner.run({ lane })
      }),
    ),
  )
  return {
    /** Takes nothing new, and ends when the tasks in hand have ended or were given back. */
    stop: async () => {
      await Promise.all([...consumers.map((consumer) => consumer.stop()), runner.stop(graceMs)])
    },
  }
}
