import { setTimeout as sleep } from 'node:timers/promises'

/** Nobody answered in time: the connection may be dead, whatever it says. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** The result of `work`, or `NoAnswer` when it takes longer; the work itself goes on and its outcome is ignored. */
export const settleWithin = async <T>(timeoutMs: number, work: PromiseLike<T>): Promise<T> => {
  const timer = new AbortController()
  const late = sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw new NoAnswer(`no answer within ${timeoutMs} ms`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}
