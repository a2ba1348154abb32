import { randomInt, randomUUID } from 'node:crypto'

const COUNTER_SIZE = 4_096

let timeMs = 0
let counter = 0

/**
 * A new id (UUID version 7, RFC 9562 §6.2, method 1): an id made later by this process sorts later, also within a
 * millisecond, and 62 bits of each are random.
 */
export const createId = (): string => {
  const nowMs = Date.now()
  counter += 1
  if (nowMs > timeMs || counter === COUNTER_SIZE) {
    // A counter that is full, or a clock that stands still or goes back, borrows from the next millisecond.
    timeMs = Math.max(nowMs, timeMs + 1)
    counter = randomInt(COUNTER_SIZE / 2)
  }
  const time = timeMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${randomUUID().slice(19)}`
}

export const ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
