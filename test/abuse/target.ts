import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { startLocalStack } from '../../local/stack.ts'
import type { PolicySettings } from '../../shared/policies/index.ts'
import type { Attack } from './attack.ts'
import { layBaits } from './baits.ts'
import { type Client, createClient, type Observed } from './client.ts'
import { type AbusedEngine, requireEngine } from './engines.ts'
import { waitForNoLeftovers } from './host.ts'
import { judge, type Verdict } from './judge.ts'

/** The checks of sources would refuse most attacks; here the wall alone is on trial. */
const UNCHECKED: PolicySettings = {
  security: 'off',
  imports: 'off',
  rules: Object.fromEntries(
    ['S102', 'S302', 'S307', 'S602', 'S603', 'S604', 'S605', 'S606', 'S607', 'S609'].map((rule) => [
      rule,
      'off',
    ]),
  ),
}

/** A whole platform over one engine, with a tenant who attacks and one who works. */
export type Target = {
  hostile: Client
  wellBehaved: Client
  attack(attack: Attack): Promise<Verdict>
  /** Of the platform's processes, as they are now. */
  listPids(): Record<string, number | undefined>
  listTouchedBaits(): Promise<string[]>
  /** What the platform's processes logged as errors of their own. */
  listErrors(): Promise<string[]>
  /** Stops everything. @returns what is left on the host */
  stop(): Promise<string[]>
}

/** Attacks at once, a neighbour, and the other company's task that is looked for. */
const SLOTS = 7
const READY_TIMEOUT_MS = 30_000
const ERROR_LEVEL = 50
const VICTIM = readFileSync(new URL('./victim.py', import.meta.url), 'utf8')
const VICTIMS_THINGS = { file: 'quarterly-figures', port: 47_001, segment: 4_711 }

/** A task of the well-behaved tenant that runs all along. */
const startVictim = async (client: Client, secret: string): Promise<string> => {
  const id = await client.submit({
    code: VICTIM,
    handler: 'main',
    inputs: { ...VICTIMS_THINGS, secret },
    resources: 'nano',
    timeout_seconds: 1_800,
  })
  const isReady = async () => {
    if ((await client.readLog(id)) !== 'ready\n') throw new Error('the other company’s task does not run')
  }
  await vi.waitFor(isReady, { timeout: READY_TIMEOUT_MS, interval: 100 })
  return id
}

const isError = (line: string): boolean =>
  line !== '' && Number(/"level":(\d+)/.exec(line)?.[1] ?? ERROR_LEVEL) >= ERROR_LEVEL

/** Starts it all. @throws with what to install when the engine is not here */
export const startTarget = async (engine: AbusedEngine): Promise<Target> => {
  requireEngine(engine)
  await using started = new AsyncDisposableStack()
  const baits = await layBaits()
  started.defer(baits.remove)
  const directory = await mkdtemp(join(tmpdir(), 'abuse-'))
  started.defer(() => rm(directory, { recursive: true }))
  const prepared = await engine.prepare()
  const leftovers: string[] = []
  started.defer(async () => {
    leftovers.push(...(await prepared.stop()))
  })
  const stack = await startLocalStack({
    dataDirectory: directory,
    port: 0,
    env: {
      ...prepared.env,
      DEFAULT_CONCURRENCY: String(SLOTS),
      S3_SECRET_ACCESS_KEY: baits.secret,
      TENANT_POLICY: JSON.stringify(UNCHECKED),
    },
  })
  const workerPid = stack.children.consumer.pid ?? 0
  started.defer(async () => {
    await stack.stop()
    leftovers.push(...(await waitForNoLeftovers(workerPid)))
  })

  const createUser = async (tenant: string) =>
    createClient(stack.url, await stack.issueToken({ tenant, user: tenant, roles: ['user'] }))
  const hostile = await createUser('mallory')
  const wellBehaved = await createUser('acme')
  const victimId = await startVictim(wellBehaved, baits.secret)
  started.defer(async () => void (await wellBehaved.cancel(victimId)))

  /** What an attacker may have found out about the host: it helps, and must not. */
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
    victim: VICTIMS_THINGS,
    own_kernel: engine.ownKernel,
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

  const running = started.move()
  return {
    hostile,
    wellBehaved,
    attack: async (attack) =>
      judge(attack, await observe(attack), { secrets: [baits.secret], ownMemoryMb: engine.ownMemoryMb }),
    listPids: () =>
      Object.fromEntries(Object.entries(stack.children).map(([name, child]) => [name, child.pid])),
    listTouchedBaits: baits.listTouched,
    listErrors: async () => {
      const files = Object.keys(stack.children).map((name) => join(directory, 'logs', `${name}.log`))
      const logs = await Promise.all(files.map((file) => readFile(file, 'utf8')))
      return logs.flatMap((log) => log.split('\n').filter(isError))
    },
    stop: async () => {
      await running.disposeAsync()
      return leftovers
    },
  }
}
