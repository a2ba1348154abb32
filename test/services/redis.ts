import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { findFreePort } from '../../shared/http/serve.ts'

export type RedisServer = {
  url: string
  /** `FLUSHALL`: everything is gone, the server stays. */
  flush(): Promise<void>
  /** `kill -9`; nothing was on disk. */
  kill(): Promise<void>
  /** Starts again, empty, on the same port. */
  restart(): Promise<void>
  /** Keeps every connection open and answers nothing, until `thaw`. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

const START_MS = 10_000

/**
 * Starts a private Redis (Debian's redis-server) on loopback, without persistence.
 *
 * @param settings - server settings such as `{ 'maxmemory-policy': 'allkeys-lru' }`
 */
export const startRedis = async (settings: Record<string, string | string[]> = {}): Promise<RedisServer> => {
  const directory = await mkdtemp(join(tmpdir(), 'mecapy-redis-'))
  const port = await findFreePort()
  const all: Record<string, string | string[]> = {
    port: String(port),
    bind: '127.0.0.1',
    dir: directory,
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    ...settings,
  }
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...[value].flat()])
  const login = settings['requirepass'] === undefined ? '' : `:${settings['requirepass']}@`
  const url = `redis://${login}127.0.0.1:${port}`

  const start = async (): Promise<ChildProcess> => {
    const child = spawn('redis-server', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    await Promise.race([
      waitUntilReady(url),
      once(child, 'exit').then(() => {
        throw new Error(`redis-server ended while starting on port ${port}`)
      }),
    ])
    return child
  }
  const end = async (child: ChildProcess, signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }

  let server = await start()
  return {
    url,
    async flush() {
      const redis = new Redis(url)
      await redis.flushall()
      redis.disconnect()
    },
    kill: () => end(server, 'SIGKILL'),
    async restart() {
      await end(server, 'SIGKILL')
      server = await start()
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async stop() {
      await end(server, 'SIGKILL')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const waitUntilReady = async (url: string): Promise<void> => {
  const deadline = performance.now() + START_MS
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 })
  redis.on('error', () => {})
  try {
    for (;;) {
      const ready = await redis.ping().then(
        () => true,
        () => false,
      )
      if (ready) return
      if (performance.now() > deadline) throw new Error(`Redis was not ready within ${START_MS} ms`)
      await delay(10)
      if (redis.status === 'end') await redis.connect().catch(() => {})
    }
  } finally {
    redis.disconnect()
  }
}
