import { readdirSync, readFileSync } from 'node:fs'
import { symlink, utimes } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import {
  type Environments,
  type EnvironmentsConfig,
  ensureDefaultEnvironment,
  openEnvironments,
} from '../../shared/environments/index.ts'
import { makeTemporaryFolder } from './make-temporary-folder.ts'
import { runPython } from './run-python.ts'
import { servePackages, type TestIndex } from './serve-packages.ts'

const MEBIBYTE = 1_048_576
/** Each starts pip a few times, on a host that may be busy. */
vi.setConfig({ testTimeout: 60_000 })

let packages: TestIndex

beforeAll(async () => {
  await ensureDefaultEnvironment({ dataDir: '.data' })
  packages = await servePackages()
  packages.add({ name: 'alpha', version: '1.0', requires: ['beta>=1'] })
  packages.add({ name: 'beta', version: '1.0' })
  packages.add({ name: 'sourceonly', version: '1.0', source: true })
  packages.add({ name: 'bomb', version: '1.0', zeros: 8 * MEBIBYTE })
  packages.add({ name: 'heavy', version: '1.0', noise: 2 * MEBIBYTE })
  packages.add({ name: 'other', version: '1.0', noise: MEBIBYTE })
}, 120_000)
afterAll(() => packages.close())

/** With the interpreter that the default environment has already: copying one takes a second. */
const makeDataFolder = async () => {
  const folder = await makeTemporaryFolder()
  await symlink(resolve('.data/interpreters'), join(folder, 'interpreters'))
  return folder
}

const open = async (config: Partial<EnvironmentsConfig> = {}, index = packages.index, dataDir?: string) => {
  const folder = dataDir ?? (await makeDataFolder())
  const environments = openEnvironments({ dataDir: folder, index, config })
  onTestFinished(() => environments.close())
  return { environments, dataDir: folder }
}

/** Environments of requirements in a data folder, by id. */
const listEnvironments = (dataDir: string) =>
  readdirSync(join(dataDir, 'environments')).filter((name) => /^[0-9a-f]{64}$/.test(name))

const listCommands = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch {
        return ''
      }
    })

const refusal = (environments: Environments, ...requirements: string[]) =>
  environments.acquire(requirements).then(
    () => 'built',
    (error) => `${error.code}: ${error.message}`,
  )

test('a set of requirements becomes an environment that imports what it names, and what that needs', async () => {
  const { environments } = await open()
  const { environment } = await environments.acquire(['alpha'])
  expect(environment.modules).toEqual(['alpha', 'beta'])
  expect(runPython(environment, 'import alpha, beta; print(alpha.__version__, beta.__file__)')).toBe(
    '1.0 /opt/packages/beta/__init__.py\n',
  )
})

test('of several who ask for the same at once one builds', async () => {
  const dataDir = await makeDataFolder()
  const { path, hash } = packages.add({ name: 'once', version: '1.0' })
  const asked = await Promise.all([open({}, packages.index, dataDir), open({}, packages.index, dataDir)])
  const held = await Promise.all(
    asked.flatMap(({ environments }) =>
      [1, 2].map(() => environments.acquire([`once==1.0 --hash=sha256:${hash}`])),
    ),
  )
  expect(new Set(held.map(({ environment }) => environment.id)).size).toBe(1)
  expect(packages.requests.filter((url) => url === `/files/${path}`)).toHaveLength(1)
})

test('requirements without hashes are locked first, and mean the same versions from then on', async () => {
  const { environments } = await open()
  packages.add({ name: 'moving', version: '1.0' })
  const locked = await environments.lock(['moving>=1'])
  expect(locked).toEqual([expect.stringMatching(/^moving==1\.0 --hash=sha256:[0-9a-f]{64}$/)])
  packages.add({ name: 'moving', version: '1.1' })
  expect(await environments.lock(['moving>=1'])).toEqual(locked)
  expect(await environments.lock(['moving>=1.1'])).toEqual([expect.stringContaining('moving==1.1')])
  expect(await environments.lock(locked)).toEqual(locked)
})

test('a file whose hash is not the one of the lock is not installed', async () => {
  const { environments, dataDir } = await open()
  expect(await refusal(environments, `beta==1.0 --hash=sha256:${'0'.repeat(64)}`)).toMatch(
    /^INVALID: .*HASH/i,
  )
  expect(listEnvironments(dataDir)).toEqual([])
})

test('a package that exists as source alone is refused, and its setup.py never runs', async () => {
  const { environments } = await open()
  const refused = await refusal(environments, 'sourceonly')
  expect(refused).toMatch(/^INVALID: The requirements cannot be installed from wheels: .*sourceonly/)
  expect(refused).not.toContain('setup.py ran')
})

test('a package that does not exist, and versions that contradict each other, are the fault of the requirements', async () => {
  const { environments } = await open()
  expect(await refusal(environments, 'nosuchpackage')).toMatch(/^INVALID: .*nosuchpackage/)
  expect(await refusal(environments, 'alpha', 'beta<1')).toMatch(/^INVALID: .*beta/)
})

test('an index that links to another host leads nowhere', async () => {
  const elsewhere = await servePackages()
  onTestFinished(() => elsewhere.close())
  const { path, hash } = elsewhere.add({ name: 'beta', version: '1.0' })
  const misleading = await servePackages()
  onTestFinished(() => misleading.close())
  misleading.add({ name: 'beta', version: '1.0' })
  misleading.linkTo(elsewhere.index.hosts[0] ?? '')
  const { environments } = await open({}, misleading.index)
  expect(await refusal(environments, `beta==1.0 --hash=sha256:${hash}`)).toMatch(/^(INVALID|UNAVAILABLE): /)
  expect(elsewhere.requests).not.toContain(`/files/${path}`)
  const { environments: allowed } = await open(
    {},
    { ...misleading.index, hosts: [...misleading.index.hosts, ...elsewhere.index.hosts] },
  )
  expect(await refusal(allowed, `beta==1.0 --hash=sha256:${hash}`)).toBe('built')
})

test('an index that is away is nobody’s fault, and what is built needs none', {
  timeout: 60_000,
}, async () => {
  const passing = await servePackages()
  const { hash } = passing.add({ name: 'beta', version: '1.0' })
  const { environments, dataDir } = await open({}, passing.index)
  const line = `beta==1.0 --hash=sha256:${hash}`
  const { environment } = await environments.acquire([line])
  await passing.close()
  const { environments: later } = await open({}, passing.index, dataDir)
  expect((await later.acquire([line])).environment).toEqual(environment)
  expect(await refusal(later, 'alpha')).toMatch(/^UNAVAILABLE: /)
})

test('what unpacks to more than allowed is refused before it is unpacked', async () => {
  const { environments: small } = await open({ maxEnvironmentMb: 7 })
  expect(await refusal(small, 'bomb')).toMatch(/^INVALID: .*unpack to 8 MiB; 7 MiB are allowed/)
  const { environments: large } = await open({ maxEnvironmentMb: 9 })
  expect(await refusal(large, 'bomb')).toBe('built')
})

test('whoever gives up ends the build, and another who waits for the same gets it', {
  timeout: 60_000,
}, async () => {
  const slow = await servePackages()
  onTestFinished(() => slow.close())
  const { hash } = slow.add({ name: 'beta', version: '1.0' })
  slow.hang()
  const { environments, dataDir } = await open({}, slow.index)
  const line = `beta==1.0 --hash=sha256:${hash}`
  const [leaving, staying] = [new AbortController(), new AbortController()]
  const left = environments.acquire([line], leaving.signal)
  await expect.poll(() => slow.requests.length, { timeout: 20_000 }).toBeGreaterThan(0)
  const stayed = environments.acquire([line], staying.signal)
  leaving.abort()
  await expect(left).rejects.toThrow(/abort/)
  slow.resume()
  expect((await stayed).environment.modules).toEqual(['beta'])
  expect(listCommands().filter((command) => command.includes(dataDir))).toEqual([])
})

test('more than the allowed download is cut off', async () => {
  const { environments: small } = await open({ maxDownloadMb: 1 })
  expect(await refusal(small, 'heavy')).toBe('INVALID: The packages are larger than 1 MiB to download.')
  const { environments: large } = await open({ maxDownloadMb: 3 })
  expect(await refusal(large, 'heavy')).toBe('built')
})

test('a build that takes longer than allowed is stopped, with all its processes', {
  timeout: 30_000,
}, async () => {
  const silent = await servePackages()
  onTestFinished(() => silent.close())
  silent.hang()
  const { environments, dataDir } = await open({ buildTimeoutSeconds: 2 }, silent.index)
  expect(await refusal(environments, 'alpha')).toBe('INVALID: The environment was not built within 2 s.')
  await expect.poll(() => listCommands().filter((command) => command.includes(dataDir))).toEqual([])
})

test('beyond the cache’s size the least recently used goes; what is in use or the default stays', {
  timeout: 60_000,
}, async () => {
  const { environments, dataDir } = await open({ maxCacheMb: 4, keepSeconds: 1 })
  const names = ['other', 'heavy', 'alpha'] as const
  const held = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await environments.acquire([name])])),
  )
  const idOf = (name: (typeof names)[number]): string => held[name].environment.id
  const age = async (name: (typeof names)[number], seconds: number) => {
    const then = new Date(Date.now() - seconds * 1_000)
    await utimes(join(dataDir, 'environments', `${idOf(name)}.used`), then, then)
  }
  await held['heavy'].release()
  await held['alpha'].release()
  await age('heavy', 60)
  await age('alpha', 3_600)
  // `other` is held although its time is long past: its holder renews it, and no removal may win that race.
  await age('other', 7_200)
  packages.add({ name: 'straw', version: '1.0', noise: 2 * MEBIBYTE })
  await environments.acquire(['straw'])
  const left = listEnvironments(dataDir)
  expect(left).toContain(idOf('other'))
  expect(left).not.toContain(idOf('alpha'))
  expect(left).not.toContain(idOf('heavy'))
  const { environment } = await environments.acquire(['heavy'])
  expect(runPython(environment, 'import heavy; print(heavy.__version__)')).toBe('1.0\n')
})

test('an environment that another process uses is not removed: where it fills the cache, no other is built', async () => {
  const dataDir = await makeDataFolder()
  const { environments: theirs } = await open({ keepSeconds: 600 }, packages.index, dataDir)
  const { environments: ours } = await open({ keepSeconds: 600, maxCacheMb: 1 }, packages.index, dataDir)
  const { environment } = await theirs.acquire(['heavy'])
  expect(await refusal(ours, 'beta')).toMatch(/^UNAVAILABLE: .*1 MiB/)
  expect(listEnvironments(dataDir)).toEqual([environment.id])
})

test('no requirements mean the default environment', async () => {
  const environments = openEnvironments({ dataDir: '.data' })
  const { environment, release } = await environments.acquire([])
  await release()
  environments.close()
  expect(environment).toEqual(await ensureDefaultEnvironment({ dataDir: '.data' }))
})
