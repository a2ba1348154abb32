import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { PlatformError } from '../errors.ts'
import { createBubblewrap } from './bubblewrap.ts'
import type { Cgroups } from './cgroups.ts'
import type { EngineName, SandboxConfig } from './config.ts'
import type { Engine } from './engine.ts'
import { createOciEngine, type RuntimeName } from './oci/engine.ts'
import type { SandboxLevel } from './port.ts'

export type EngineOptions = {
  config: SandboxConfig
  /** Where commands are looked for, as in `PATH`. */
  searchPath: string
  /** Asked for by the engines that do not leave this to a daemon. */
  cgroups(): Promise<Cgroups>
}

type Candidate = {
  name: EngineName
  level: SandboxLevel
  install: string
  /** Where it is on this host; undefined when it is not. */
  find(options: EngineOptions): Promise<string | undefined>
  create(path: string, options: EngineOptions): Promise<Engine>
}

const asRoot = process.getuid?.() === 0

const isThere = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  )

const findCommand =
  (command: string) =>
  async ({ config, searchPath }: EngineOptions): Promise<string | undefined> => {
    const folders = searchPath.split(delimiter).filter(Boolean)
    const paths = config.enginePath ? [config.enginePath] : folders.map((folder) => join(folder, command))
    for (const path of paths) if (await isThere(path, constants.X_OK)) return path
    return undefined
  }

const ociCandidate = (name: RuntimeName, level: SandboxLevel, install: string): Candidate => ({
  name,
  level,
  install,
  find: findCommand(name),
  create: async (path, { cgroups }) => createOciEngine({ name, path, cgroups: await cgroups() }),
})

/** In the order in which `auto` prefers them: by the time that a sandbox takes to start. */
const CANDIDATES: readonly Candidate[] = [
  {
    name: 'bubblewrap',
    level: 'container',
    install: 'apt-get install bubblewrap',
    find: findCommand('bwrap'),
    create: async (path, { cgroups }) => createBubblewrap({ path, asRoot, cgroups: await cgroups() }),
  },
  ociCandidate('runc', 'container', 'apt-get install runc'),
  ociCandidate('crun', 'container', 'apt-get install crun'),
  ociCandidate('runsc', 'kernel', 'gVisor, https://gvisor.dev/docs/user_guide/install'),
  {
    name: 'docker',
    level: 'container',
    install: 'apt-get install docker.io',
    find: async ({ config: { dockerSocket } }) =>
      (await isThere(dockerSocket, constants.W_OK)) ? dockerSocket : undefined,
    // Its client is large, and most hosts never need it.
    create: async (path) => (await import('./docker.ts')).createDockerEngine(path),
  },
]

/**
 * The engine to use: the configured one, or the first that is there and strong enough.
 *
 * @throws {PlatformError} `MISCONFIGURED` when there is none, with what to install
 */
export const chooseEngine = async (options: EngineOptions): Promise<Engine> => {
  const { engine, floor } = options.config
  const fitting = CANDIDATES.filter(
    ({ name, level }) =>
      (engine === 'auto' || engine === name) && (floor === 'container' || level === 'kernel'),
  )
  if (fitting.length === 0)
    throw new PlatformError(
      'MISCONFIGURED',
      `The engine ${engine} cannot reach the level ${floor}: configure runsc (gVisor), or a lower floor.`,
    )
  for (const { find, create } of fitting) {
    const path = await find(options)
    if (path !== undefined) return await create(path, options)
  }
  const wanted = fitting.map(({ name, install }) => `${name} (${install})`).join(' or ')
  throw new PlatformError('MISCONFIGURED', `No sandbox engine was found here: install ${wanted}.`)
}
