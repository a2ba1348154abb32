import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { startLocalStack } from '../../local/stack.ts'
import type { Attack } from './attack.ts'
import { layBaits } from './baits.ts'
import { createClient, type Observed } from './client.ts'
import { type AbusedEngine, requireEngine } from './engines.ts'
import { listLeftovers } from './host.ts'
import { findFaults } from './judge.ts'

/** A whole platform that runs over one engine, with a tenant who attacks and one who works. */
export type Target = {
  /** What is wrong with what came of an attack; nothing when the platform held. */
  attack(attack: Attack): Promise<string[]>
  hostile: ReturnType<typeof createClient>
  wellBehaved: ReturnType<typeof createClient>
  /** Of the platform's processes, as they are now. */
  listPids(): Record<string, number | undefined>
  listTouchedBaits(): Promise<string[]>
  /** What the platform's processes logged as their own errors. */
  listErrors(): Promise<string[]>
  /** Stops everything. @returns what is left on the host */
  stop(): Promise<string[]>
}

const VICTIM = readFileSync(new URL('./victim.py', import.meta.url), 'utf8')
/** Attacks at once, the neighbour, and the other company's task that is looked for. */
const SLOTS = 6
const READY_TIMEOUT_MS = 20_000
const ERROR_LEVEL = 50

const startParts = async (engine: AbusedEngine) => {
  requireEngine(engine)
  const baits = await layBaits()
  const directory = await mkdtemp(join(tmpdir(), 'abuse-'))
  const prepared = await engine.prepare()
  const stack = await startLocalStack({
    dataDirectory: directory,
    port: 0,
    env: {
      ...prepared.env,
      DEFAULT_CONCURRENCY: String(SLOTS),
      S3_SECRET_ACCESS_KEY: baits.secret,
      LOG_LEVEL: 'info',
    },
  })
  return { baits, directory, prepared, stack }
}

/** Starts it all. @throws with what to install when the engine is not here */
export const startTarget = async (engine: AbusedEngine): Promise<Target> => {
  const { baits, directory, prepared, stack } = await startParts(engine)
  const createUser = async (tenant: string) =>
    createClient(stack.url, await stack.issueToken({ tenant, user: tenant, roles: ['user'] }))
  const hostile = await createUser('mallory')
  const wellBehaved = await createUser('acme')

  const victim = { file: 'quarterly-figures', port: 47_001, segment: 4_711 }
  const started = await wellBehaved.submit({
    code: VICTIM,
    handler: 'main',
    inputs: { ...victim, secret: baits.secret },
    resources: 'nano',
    timeout_seconds: 1_800,
  })
  const { id: victimId } = JSON.parse(started.text) as { id: string }
  const isReady = async () => {
    const log = await wellBehaved.request('GET', `/tasks/${victimId}/logs`)
    if (!(await log.text()).includes('ready')) throw new Error('the other company’s task does not run')
  }
  await vi.waitFor(isReady, { timeout: READY_TIMEOUT_MS, interval: 100 })

  const listPids = () =>
    Object.fromEntries(Object.entries(stack.children).map(([name, child]) => [name, child.pid]))
  const workerPid = stack.children.consumer.pid ?? 0
  const host = {
    worker_pid: workerPid,
    ports: [baits.port, ...[stack.url, stack.databaseUrl].map((url) => Number(new URL(url).port))],
    addresses: baits.addresses,
    unix_socket: baits.unixSocket,
    abstract_socket: baits.abstractSocket,
    secret_file: baits.secretFile,
    secrets_reversed: [baits.secret, stack.databaseUrl].map((text) => [...text].reverse().join('')),
    platform_file: fileURLToPath(new URL('../../workers/consumer/main.ts', import.meta.url)),
    data_folder: directory,
    victim,
  }

  const observe = async ({ name, leaves, submission }: Attack): Promise<Observed> => {
    const whole = { ...submission, name, inputs: { host } }
    if (!leaves) return await hostile.observe(whole)
    // A tenant of its own, so that the next run is certain to be in the same sandbox.
    const user = await createUser(name.replaceAll('/', '-'))
    const { result: first } = await user.observe({ ...whole, handler: 'which_sandbox', inputs: {} })
    await user.observe({ ...whole, handler: 'leave' })
    const observed = await user.observe(whole)
    const [before, after] = [first, observed.result] as { result?: number; sandbox?: number }[]
    return before?.result === after?.sandbox ? observed : { ...observed, outcome: 'run in another sandbox' }
  }

  return {
    hostile,
    wellBehaved,
    listPids,
    attack: async (attack) => findFaults(attack, await observe(attack), [baits.secret]),
    listTouchedBaits: baits.listTouched,
    listErrors: async () => {
      const texts = await Promise.all(
        Object.keys(stack.children).map((name) => readFile(join(directory, 'logs', `${name}.log`), 'utf8')),
      )
      return texts
        .flatMap((text) => text.split('\n'))
        .filter(
          (line) => Number(/"level":(\d+)/.exec(line)?.[1] ?? (line === '' ? 0 : ERROR_LEVEL)) >= ERROR_LEVEL,
        )
    },
    stop: async () => {
      await wellBehaved.cancel(victimId)
      await stack.stop()
      await prepared.stop()
      await baits.remove()
      await rm(directory, { recursive: true })
      return listLeftovers(workerPid)
    },
  }
}
