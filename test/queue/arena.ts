import { type Hint, openQueue, type Queue } from '../../shared/queue/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'
import { type ConsumerChild, startConsumerChild } from './consumer-child.ts'
import { type FaultyNetwork, startFaultyNetwork } from './faulty-network.ts'

export const logger = createLogger('test', 'silent')
export const TIMEOUT_MS = 1_000
export const SILENCE_MS = 1_000
/** Until others have what a dead consumer held: its silence, as long again until somebody looks, and a busy machine. */
export const HANDOVER_MS = 4 * SILENCE_MS
export const PATIENCE = { timeout: 10_000, interval: 5 }

export const makeHints = (prefix: string, count: number): Hint[] =>
  Array.from({ length: count }, (_, index) => ({ taskId: `${prefix}-${index}`, attempt: 1 }))

/** As `consumer-process.ts` prints them. */
export const nameHints = (hints: readonly Hint[]) =>
  hints.map(({ taskId, attempt }) => `${taskId} ${attempt}`)

/** What a test starts around one queue; `clear` ends it all. */
export type Arena = {
  createUrl(): Promise<string>
  open(url: string): Promise<Queue>
  /** A queue whose server the test can take away. */
  openOverNetwork(): Promise<{ network: FaultyNetwork; queue: Queue }>
  startChild(url: string, mode: Parameters<typeof startConsumerChild>[1]): Promise<ConsumerChild>
  clear(): Promise<void>
}

export const createArena = (createUrl: () => Promise<string>): Arena => {
  const queues: Queue[] = []
  const networks: FaultyNetwork[] = []
  const children: ConsumerChild[] = []
  const open = async (url: string) => {
    const queue = await openQueue(url, { logger, timeoutMs: TIMEOUT_MS, silenceMs: SILENCE_MS })
    queues.push(queue)
    return queue
  }
  return {
    createUrl,
    open,
    async openOverNetwork() {
      const network = await startFaultyNetwork(await createUrl())
      networks.push(network)
      return { network, queue: await open(network.url) }
    },
    async startChild(url, mode) {
      const child = await startConsumerChild(url, mode, SILENCE_MS)
      children.push(child)
      return child
    },
    async clear() {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.splice(0).map((child) => child.exited))
      await Promise.all(networks.map((network) => network.mend()))
      await Promise.all(queues.splice(0).map((queue) => queue.close()))
      await Promise.all(networks.splice(0).map((network) => network.stop()))
    },
  }
}
