import { setTimeout as delay } from 'node:timers/promises'

const PAUSE_MS = 1_000

/** Does work again, a second later, for as long as the error that it meets is worth another try. */
export const persist = async <T>(
  work: () => Promise<T>,
  isWorthIt: (error: unknown) => boolean,
): Promise<T> => {
  while (true) {
    try {
      return await work()
    } catch (error) {
      if (!isWorthIt(error)) throw error
      await delay(PAUSE_MS)
    }
  }
}
