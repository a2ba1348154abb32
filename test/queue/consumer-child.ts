import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type ConsumerChild = {
  /** `task attempt`, in the order they were handed over. */
  hints: string[]
  exited: Promise<unknown>
  kill(signal: NodeJS.Signals): void
}

/** Starts `consumer-process.ts` and returns when it consumes. */
export const startConsumerChild = async (
  url: string,
  mode: 'hold' | 'handle' | 'close',
  silenceMs: number,
): Promise<ConsumerChild> => {
  const entry = fileURLToPath(new URL('./consumer-process.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [entry, url, mode, String(silenceMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const hints: string[] = []
  const exited = once(child, 'exit')
  if (!child.stdout) throw new Error('the consumer process has no output')
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line === 'ready') resolve()
      else hints.push(line)
    })
  })
  await Promise.race([
    ready,
    exited.then(([code]) => {
      throw new Error(`the consumer process ended with ${code}`)
    }),
  ])
  return { hints, exited, kill: (signal) => void child.kill(signal) }
}
