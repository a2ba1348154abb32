type Waiting<Item, Answer> = { item: Item; resolve(answer: Answer): void; reject(error: unknown): void }

/**
 * Turns many calls at one moment into few calls for many (group commit). An idle system calls at once; while
 * `maxInFlight` calls are under way, what comes in waits and goes out together.
 *
 * @param run - answers its items in order; when it throws, all of its items fail
 */
export const coalesce = <Item, Answer>(
  run: (items: readonly Item[]) => Promise<readonly Answer[]>,
  options: { maxInFlight: number; maxItems: number },
): ((item: Item) => Promise<Answer>) => {
  let waiting: Waiting<Item, Answer>[] = []
  let inFlight = 0
  let scheduled = false

  const send = async (batch: Waiting<Item, Answer>[]) => {
    try {
      const answers = await run(batch.map(({ item }) => item))
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      inFlight -= 1
      pump()
    }
  }
  const pump = () => {
    scheduled = false
    while (waiting.length > 0 && inFlight < options.maxInFlight) {
      const batch = waiting.slice(0, options.maxItems)
      waiting = waiting.slice(options.maxItems)
      inFlight += 1
      void send(batch)
    }
  }

  return (item) =>
    new Promise<Answer>((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (scheduled || inFlight >= options.maxInFlight) return
      scheduled = true
      // After the requests that this turn of the event loop still brings.
      setImmediate(pump)
    })
}
