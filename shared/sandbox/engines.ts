import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { PlatformError } from '../errors.ts'
import { createBubblewrap } from './bubblewrap.ts'
import type { EngineName, SandboxConfig } from './config.ts'
import type { Engine } from './engine.ts'
import type { SandboxLevel } from './port.ts'

const run = promisify(execFile)
const PROBE_TIMEOUT_MS = 10_000

type Candidate = {
  name: EngineName
  level: SandboxLevel
  command: string
  install: string
  create(path: string): Engine
}

const isRoot = process.getuid?.() === 0

/** In the order in which `auto` prefers them: by the time a sandbox takes to start. */
const CANDIDATES: readonly Candidate[] = [
  {
    name: 'bubblewrap',
    level: 'container',
    command: 'bwrap',
    install: 'apt-get install bubblewrap',
    create: (path) => createBubblewrap({ path, asRoot: isRoot }),
  },
]

const findCommand = async (command: string, searchPath: string): Promise<string | undefined> => {
  for (const folder of searchPath.split(delimiter).filter(Boolean)) {
    const path = join(folder, command)
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  return undefined
}

/** The engine to use: the configured one, or the first that is there and strong enough. */
export const chooseEngine = async (config: SandboxConfig, searchPath: string): Promise<Engine> => {
  const fitting = CANDIDATES.filter(
    ({ name, level }) =>
      (config.engine === 'auto' || config.engine === name) &&
      (config.floor === 'container' || level === 'kernel'),
  )
  for (const { command, create } of fitting) {
    const path = config.enginePath ?? (await findCommand(command, searchPath))
    if (path === undefined) continue
    await run(path, ['--version'], { timeout: PROBE_TIMEOUT_MS })
    return create(path)
  }
  const wanted = fitting.map(({ name, install }) => `${name} (${install})`).join(' or ')
  throw new PlatformError(
    'MISCONFIGURED',
    fitting.length === 0
      ? `The engine ${config.engine} cannot reach the level ${config.floor}: configure runsc (gVisor), or a lower floor.`
      : `No sandbox engine is installed: install ${wanted}.`,
  )
}
