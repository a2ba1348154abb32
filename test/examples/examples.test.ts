import { expect, onTestFinished, test } from 'vitest'
import { compareResult } from '../../local/demo/compare.ts'
import { readExamples } from '../../local/demo/example.ts'
import { cacheDir } from '../../setup/paths.mjs'
import { ensureDefaultEnvironment } from '../../shared/environments/index.ts'
import { openPrechecks, PrecheckPolicy } from '../../shared/prechecks/index.ts'
import { EXAMPLES_DIR, runLocally } from './run-locally.ts'

const examples = await readExamples(EXAMPLES_DIR)

test.each(examples)('$name passes the checks before a run without a finding', async ({ describeTask }) => {
  const prechecks = openPrechecks()
  onTestFinished(() => prechecks.close())
  const { code } = JSON.parse(describeTask({})) as { code: string }
  const { modules, python } = await ensureDefaultEnvironment({ dataDir: cacheDir })
  const verdict = await prechecks.check(code, PrecheckPolicy.parse({}), { modules, python })
  expect(verdict).toEqual({ errors: [], warnings: [] })
})

test('the examples are those that the README lists', () => {
  expect(examples.map(({ name }) => name)).toEqual(['bolted-joint', 'truss', 'plate-with-hole'])
})

test.each(examples)(
  '$name gives what its sources expect and leaves its files',
  { timeout: 90_000 },
  async (example) => {
    const { result, readOutput } = await runLocally(example.name)
    const checks = compareResult(result, example.expected.values)
    expect(checks.filter(({ within }) => !within)).toEqual([])
    for (const { name, starts_with } of example.expected.artifacts)
      expect((await readOutput(`artifacts/${name}`)).startsWith(starts_with)).toBe(true)
  },
)
