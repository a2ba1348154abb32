import type { Hint } from '../../shared/queue/index.ts'

/** A handler that keeps what it was handed and makes it wait until the test opens the gate. */
export const createGate = () => {
  const seen: Hint[] = []
  const waiting: (() => void)[] = []
  let open = false
  let inHand = 0
  let mostInHand = 0
  return {
    seen,
    get inHand() {
      return inHand
    },
    get mostInHand() {
      return mostInHand
    },
    open() {
      open = true
      for (const resume of waiting.splice(0)) resume()
    },
    handle: async (hint: Hint) => {
      seen.push(hint)
      inHand += 1
      mostInHand = Math.max(mostInHand, inHand)
      if (!open) await new Promise<void>((resolve) => waiting.push(resolve))
      inHand -= 1
    },
  }
}

export type Gate = ReturnType<typeof createGate>

export const createOpenGate = () => {
  const gate = createGate()
  gate.open()
  return gate
}
