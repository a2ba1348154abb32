import { createHash } from 'node:crypto'
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PlatformError } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { buildEnvironment, PACKAGES_PREFIX } from './build-environment.ts'
import { compileBytecode, copyInterpreter } from './copy-interpreter.ts'
import { type Environment, readEnvironment } from './environment.ts'
import { findInterpreter, type Interpreter } from './find-interpreter.ts'
import { CommandError, runCommand } from './run-command.ts'

const REQUIREMENTS = new URL('./default.requirements.txt', import.meta.url)
const BUILD_TIMEOUT_MS = 600_000
const FORMAT = 2

export type DefaultEnvironmentOptions = {
  /** Environments live in its `environments/`, the interpreters they share in `interpreters/`. */
  dataDir: string
  /** A command or path; the first fitting Python 3 on the PATH when left out. */
  python?: string
  logger?: Logger
}

/** Which environment an earlier call settled on, and the interpreter it was made from, as it was then. */
type Choice = { environmentId: string; executable: string; mtimeMs: number; size: number }

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const readChoice = async (path: string): Promise<Choice | undefined> => {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const choice = JSON.parse(text) as Choice
  const now = await stat(choice.executable).catch(() => undefined)
  return now?.mtimeMs === choice.mtimeMs && now.size === choice.size ? choice : undefined
}

const writeChoice = async (path: string, environmentId: string, executable: string): Promise<void> => {
  const { mtimeMs, size } = await stat(executable)
  const choice: Choice = { environmentId, executable, mtimeMs, size }
  const temporary = `${path}.${process.pid}`
  await writeFile(temporary, JSON.stringify(choice))
  await rename(temporary, path)
}

const installPackages = async (
  interpreter: Interpreter,
  requirements: string,
  target: string,
): Promise<void> => {
  const args = [
    '-I',
    '-m',
    'pip',
    'install',
    '--quiet',
    '--no-input',
    '--no-deps',
    '--no-compile',
    '--require-hashes',
  ]
  const command = [...args, '--only-binary', ':all:', '--target', target, '--requirement', requirements]
  try {
    await runCommand(interpreter.executable, command, { timeoutMs: BUILD_TIMEOUT_MS })
  } catch (error) {
    const said = error instanceof CommandError ? error.output.match(/^ERROR: .*$/m)?.[0] : undefined
    throw new PlatformError(
      'UNAVAILABLE',
      `pip could not install numpy and scipy for Python ${interpreter.version}: check that its package index can be reached (pip config list). ${said ?? ''}`.trim(),
      { cause: error },
    )
  }
}

const build = async (
  { dataDir, python, logger }: DefaultEnvironmentOptions,
  requirements: string,
  choicePath: string,
): Promise<Environment> => {
  const found = await findInterpreter(python)
  const interpreter = await copyInterpreter(resolve(dataDir, 'interpreters'), found)
  const id = sha256(`environment ${FORMAT}\n${interpreter.id}\n${requirements}`)
  const plan = { folder: resolve(dataDir, 'environments'), id, interpreter, timeoutMs: BUILD_TIMEOUT_MS }
  const environment = await buildEnvironment(plan, async (sitePackages) => {
    logger?.info({ environment: id, python: found.version }, 'building the default environment')
    await installPackages(found, fileURLToPath(REQUIREMENTS), sitePackages)
    await compileBytecode(found.executable, sitePackages, PACKAGES_PREFIX)
  })
  await writeChoice(choicePath, id, found.executable)
  return environment
}

/**
 * The environment of tasks that name no requirements: CPython 3.10 or later with NumPy and SciPy. Built on the first
 * call (once, whoever asks at the same time), found again in milliseconds after that.
 *
 * @example
 * const environment = await ensureDefaultEnvironment({ dataDir: '.data' })
 * @throws {PlatformError} `MISCONFIGURED` or `UNAVAILABLE`, naming what to install or to reach
 */
export const ensureDefaultEnvironment = async (options: DefaultEnvironmentOptions): Promise<Environment> => {
  const folder = resolve(options.dataDir, 'environments')
  const requirements = await readFile(REQUIREMENTS, 'utf8')
  const key = sha256(`${FORMAT}\n${options.python ?? ''}\n${requirements}`)
  const choicePath = join(folder, `default-${key}.json`)
  const choice = await readChoice(choicePath)
  const found = choice && (await readEnvironment(join(folder, choice.environmentId)))
  return found ?? (await build(options, requirements, choicePath))
}
