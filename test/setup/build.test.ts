import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const BUNDLES = ['consumer', 'gateway', 'janitor', 'runner']

test('each bundle starts on its own, away from the source and its node_modules', {
  timeout: 120_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mecapy-build-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const { stdout } = await promisify(execFile)(process.execPath, ['build.ts', '--out', directory])
  expect((await readdir(directory)).sort()).toEqual(BUNDLES)
  for (const name of BUNDLES) expect(stdout).toMatch(new RegExp(`^${name} +\\d+ KiB +starts in \\d+ ms`, 'm'))
})
