/** From the quickest to the slowest; a task that outlives one goes to the next. */
export const LANES = ['high_priority', 'default', 'long_running'] as const

export type Lane = (typeof LANES)[number]

/** The lane for tasks that outlive this one; the last has none. */
export const nextLane = (lane: Lane): Lane | undefined => LANES[LANES.indexOf(lane) + 1]
