import { afterEach, describe } from 'vitest'
import { createArena } from './arena.ts'
import { testCrashes } from './contract-crashes.ts'
import { testHandOver } from './contract-hand-over.ts'
import { testInterleavings } from './contract-interleavings.ts'
import { testOutages } from './contract-outages.ts'

/**
 * The rules of the queue port, for every adapter.
 *
 * @param createUrl - the URL of an empty queue
 */
export const describeQueue = (name: string, createUrl: () => Promise<string>): void => {
  describe(name, () => {
    const arena = createArena(createUrl)
    afterEach(() => arena.clear())
    testHandOver(arena)
    testInterleavings(arena)
    testCrashes(arena)
    testOutages(arena)
  })
}
