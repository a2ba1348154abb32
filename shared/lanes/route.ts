import { z } from 'zod'
import type { Lane } from './index.ts'

/** Where one lane ends and the next begins, in seconds of expected runtime. */
export const LaneThresholds = z
  .object({
    /** A task expected to take less goes to `high_priority`. */
    highPrioritySeconds: z.coerce.number().positive().default(5),
    /** A task expected to take less (and not less than the above) goes to `default`, a longer one to `long_running`. */
    defaultSeconds: z.coerce.number().positive().default(300),
    /** What a task is taken for when nobody said and nothing is known. */
    unknownSeconds: z.coerce.number().positive().default(30),
  })
  .refine(({ highPrioritySeconds, defaultSeconds }) => highPrioritySeconds < defaultSeconds, {
    path: ['highPrioritySeconds'],
    message: 'must be less than defaultSeconds',
  })
export type LaneThresholds = z.infer<typeof LaneThresholds>

/** The lane for an expected runtime. */
export const pickLane = (expectedSeconds: number, thresholds: LaneThresholds): Lane => {
  if (expectedSeconds < thresholds.highPrioritySeconds) return 'high_priority'
  return expectedSeconds < thresholds.defaultSeconds ? 'default' : 'long_running'
}
