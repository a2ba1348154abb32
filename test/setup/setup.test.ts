import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { GO_TOOLS, goToolPath } from '../../setup/go-tools.mjs'
import { cacheDir, findCommand } from '../../setup/paths.mjs'
import { run } from '../../setup/run.mjs'

const READY_LIMIT_MS = 2_000

const runSetUp = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['setup/setup.mjs', ...args], { timeout: 60_000 })

describe('the set-up step', () => {
  test('installs nothing and takes less than two seconds when nothing is missing', async () => {
    const start = performance.now()
    const { stdout } = await runSetUp('--test')
    expect(performance.now() - start).toBeLessThan(READY_LIMIT_MS)
    expect(stdout).not.toContain('installing')
  })

  test('refuses an option that it does not know, by name', async () => {
    await expect(runSetUp('--fast')).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('--fast'),
    })
  })
})

describe('running a program', () => {
  test('returns what it printed', async () => {
    expect(await run('echo', ['ready'], { timeoutMs: 5_000 })).toBe('ready\n')
  })

  test('a program that fails is an error with its last lines', async () => {
    const command = run('sh', ['-c', 'echo no space left >&2; exit 3'], { timeoutMs: 5_000 })
    await expect(command).rejects.toThrow(/failed:\nno space left$/)
  })

  test('a program that takes too long is stopped, and its error says after how long', async () => {
    const command = run('sh', ['-c', 'exec tail -f /dev/null'], { timeoutMs: 100 })
    await expect(command).rejects.toThrow('was stopped after 0.1 s')
  })
})

test('a command is found on the PATH, and an absent one is undefined', () => {
  expect(findCommand('sh')).toMatch(/\/sh$/)
  expect(findCommand('no-such-command-anywhere')).toBeUndefined()
})

test.each(Object.entries(GO_TOOLS))(
  '%s is pinned to one version, which names its file',
  (name, { version }) => {
    expect(version).toMatch(/^v\d+\.\d+\.\d+(-\d{14}-[0-9a-f]{12})?$/)
    expect(goToolPath(name)).toBe(`${cacheDir}/go-tools/${name}-${version}`)
  },
)
