import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { cacheDir } from '../../setup/paths.mjs'
import { type Environment, ensureDefaultEnvironment } from '../../shared/environments/index.ts'

export const EXAMPLES_DIR = fileURLToPath(new URL('../../examples/', import.meta.url))

const TIMEOUT_MS = 60_000
const run = promisify(execFile)

const toHostPath = (environment: Environment, path: string): string => {
  const mount = environment.mounts.find(({ target }) => path === target || path.startsWith(`${target}/`))
  if (mount === undefined) throw new Error(`${path} is not in the environment`)
  return mount.source + path.slice(mount.target.length)
}

export type LocalRun = { result: unknown; folder: string; readOutput(name: string): Promise<string> }

/**
 * Runs an example as its user would, without the platform, with the interpreter and the packages that tasks get.
 * `inputs` replace some of those in `task.json`, `files` some of the files beside it.
 */
export const runLocally = async (
  name: string,
  changes: { inputs?: Record<string, unknown>; files?: Record<string, string> } = {},
): Promise<LocalRun> => {
  const environment = await ensureDefaultEnvironment({ dataDir: cacheDir })
  const folder = await mkdtemp(join(tmpdir(), 'mecapy-example-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp(join(EXAMPLES_DIR, name), folder, { recursive: true })
  for (const [file, content] of Object.entries(changes.files ?? {}))
    await writeFile(join(folder, file), content)
  const task = JSON.parse(await readFile(join(folder, 'task.json'), 'utf8')) as { inputs: object }
  await writeFile(
    join(folder, 'task.json'),
    JSON.stringify({ ...task, inputs: { ...task.inputs, ...changes.inputs } }),
  )
  const { stdout } = await run(
    toHostPath(environment, environment.python),
    [join(EXAMPLES_DIR, 'run_local.py'), folder],
    {
      cwd: folder,
      timeout: TIMEOUT_MS,
      env: {
        PYTHONPATH: environment.sitePackages.map((path) => toHostPath(environment, path)).join(':'),
        PYTHONDONTWRITEBYTECODE: '1',
        OPENBLAS_NUM_THREADS: '1',
      },
    },
  )
  const json = stdout.slice(stdout.search(/^\{/m))
  return {
    result: JSON.parse(json),
    folder,
    readOutput: (output) => readFile(join(folder, 'out', output), 'utf8'),
  }
}
