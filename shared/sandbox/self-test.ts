import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net'
import { release } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Environment } from '../environments/index.ts'
import { PlatformError } from '../errors.ts'
import type { RunListener, RunOutcome, RunSpec, SandboxLevel, SelfTestReport } from './port.ts'
import { makeTemporaryFolder } from './temporary-folder.ts'
import { limitsFor } from './tiers.ts'

const source = readFileSync(new URL('./self-test.py', import.meta.url), 'utf8')
const EXPECTED = [...source.matchAll(/^@attempt\ndef (\w+)/gm)].map(([, name = '']) => name)
const WALL_SECONDS = 30

const answerSchema = z.object({
  kernel: z.string(),
  checks: z.array(z.object({ name: z.string(), held: z.boolean(), detail: z.string() })),
})

/** A run's outcome, and what went wrong with the sandbox itself, which is not a tenant's to see. */
export type Attempt = { outcome: RunOutcome; fault?: string }

export type SelfTestOptions = {
  engine: string
  level: SandboxLevel
  environment: Environment
  attempt(spec: RunSpec, listener: RunListener, signal: AbortSignal): Promise<Attempt>
}

const listen = async (options: ListenOptions): Promise<Server> => {
  const server = createServer((socket) => socket.destroy())
  server.listen(options)
  await once(server, 'listening')
  return server
}

/** Things of the host that a sandbox must not reach: two listeners, a file, this process. */
const layBait = async () => {
  const folder = await makeTemporaryFolder('bait')
  await writeFile(join(folder, 'secret'), 'bait', { mode: 0o644 })
  const abstract = basename(folder)
  const loopback = await listen({ host: '127.0.0.1', port: 0 })
  const local = await listen({ path: `\0${abstract}` })
  const facts = {
    port: (loopback.address() as AddressInfo).port,
    abstract_socket: abstract,
    host_file: join(folder, 'secret'),
    platform_file: fileURLToPath(import.meta.url),
    worker_pid: process.pid,
  }
  const remove = async () => {
    loopback.close()
    local.close()
    await rm(folder, { recursive: true })
  }
  return { facts, remove }
}

const readAnswer = ({ outcome, fault }: Attempt): z.infer<typeof answerSchema> => {
  if (outcome.status === 'completed') return answerSchema.parse(JSON.parse(outcome.result))
  const why = fault ?? (outcome.status === 'failed' ? (outcome.error ?? outcome.message) : outcome.status)
  throw new PlatformError('MISCONFIGURED', `The sandbox cannot run its own self-test: ${why}`)
}

/** Runs a task that tries to break out, in as many ways as there are `@attempt`s, and tells which held. */
export const runSelfTest = async ({
  engine,
  level,
  environment,
  attempt,
}: SelfTestOptions): Promise<SelfTestReport> => {
  const started = performance.now()
  const bait = await layBait()
  try {
    const spec: RunSpec = {
      tenantId: 'self-test',
      runId: 'self-test',
      environment,
      limits: limitsFor({ tier: 'nano', wallSeconds: WALL_SECONDS }),
      reuse: 'never',
      handler: 'main',
      files: [],
      source,
      inputs: JSON.stringify(bait.facts),
    }
    const listener = { log: () => undefined, progress: () => undefined, file: async () => undefined }
    const answer = readAnswer(await attempt(spec, listener, new AbortController().signal))
    const found = new Map(answer.checks.map((check) => [check.name, check]))
    const checks = EXPECTED.map(
      (name) => found.get(name) ?? { name, held: false, detail: 'the sandbox did not say' },
    )
    if (level === 'kernel')
      checks.push({
        name: 'kernel_of_its_own',
        held: answer.kernel !== release(),
        detail: `the kernel says it is ${answer.kernel}`,
      })
    return { engine, level, checks, durationMs: performance.now() - started }
  } finally {
    await bait.remove()
  }
}

/** @throws {PlatformError} `MISCONFIGURED`, naming each way out that was open */
export const requireHeld = ({ engine, level, checks }: SelfTestReport): void => {
  const open = checks.filter(({ held }) => !held)
  if (open.length === 0) return
  const list = open.map(({ name, detail }) => `${name.replaceAll('_', ' ')} (${detail})`).join('; ')
  throw new PlatformError(
    'MISCONFIGURED',
    `The ${engine} sandbox does not reach the level ${level} on this host, so no task may run. Open ways out: ${list}. \
Update the kernel and the engine, or install another engine: gVisor's runsc, bubblewrap, runc.`,
  )
}
