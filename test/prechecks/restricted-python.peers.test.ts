import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Environment,
  ensureDefaultEnvironment,
  openEnvironments,
} from '../../shared/environments/index.ts'
import { checkRestrictedPython } from '../../shared/prechecks/index.ts'
import { limitsFor, openSandboxes, type Sandboxes } from '../../shared/sandbox/index.ts'
import { createLogger } from '../../shared/telemetry/logger.ts'

const environments = openEnvironments({ dataDir: '.data' })
let sandboxes: Sandboxes
let environment: Environment
let release: () => Promise<void>

beforeAll(async () => {
  const preload = [
    { environment: await ensureDefaultEnvironment({ dataDir: '.data' }), modules: [] },
  ] as const
  sandboxes = await openSandboxes({ logger: createLogger('test', 'silent'), preload })
  const held = await environments.acquire(['RestrictedPython>=7'])
  environment = held.environment
  release = held.release
}, 180_000)
afterAll(async () => {
  await release?.()
  environments.close()
  await sandboxes?.close()
})

const check = (source: string, where = environment) =>
  checkRestrictedPython([{ path: 'main.py', source }], {
    sandboxes,
    environment: where,
    limits: limitsFor({ tier: 'nano' }),
    tenantId: 'tenant-a',
    signal: new AbortController().signal,
  })

test('a source that RestrictedPython refuses is reported with its line', { timeout: 60_000 }, async () => {
  const findings = await check('x = 1\ny = x.__class__\nexec("1")\n')
  expect(findings.map(({ line, rule, level }) => `${line} ${rule} ${level}`)).toEqual([
    '2 restricted-python error',
    '3 restricted-python error',
  ])
})

test('a source that it accepts has no findings', { timeout: 60_000 }, async () => {
  expect(await check('def main(x):\n    return x ** 2\n')).toEqual([])
})

test('a source that breaks the compiler is refused, not passed', { timeout: 60_000 }, async () => {
  expect(await check(`x = 1${' + 1'.repeat(50_000)}`)).toMatchObject([
    { rule: 'restricted-python', level: 'error' },
  ])
})

test('an environment without RestrictedPython finds nothing', async () => {
  expect(await check('exec("1")', await ensureDefaultEnvironment({ dataDir: '.data' }))).toEqual([])
})
