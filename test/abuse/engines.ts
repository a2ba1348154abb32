import Docker from 'dockerode'
import { goToolPath } from '../../setup/go-tools.mjs'
import { findCommand, isExecutable } from '../../setup/paths.mjs'
import { runDockerd } from '../sandbox/run-dockerd.ts'

/** An engine that has to be on this host. */
export type AbusedEngine = {
  name: string
  /** A command, or where it is. */
  program: string
  /** Whether a task has a kernel of its own, whose powers mean nothing outside. */
  ownKernel: boolean
  /** What the engine itself may take of a sandbox's memory. */
  ownMemoryMb: number
  /** What the platform's processes are told of it, and what to stop afterwards: it tells what is left in there. */
  prepare(): Promise<{ env: Record<string, string>; stop(): Promise<string[]> }>
}

const configured = (env: Record<string, string>) => async () => ({ env, stop: async () => [] })

const prepareDocker = async () => {
  const { socketPath, stop } = await runDockerd()
  return {
    env: { SANDBOX_ENGINE: 'docker', SANDBOX_DOCKER_SOCKET: socketPath },
    stop: async () => {
      const containers = await new Docker({ socketPath }).listContainers({ all: true })
      await stop()
      return containers.map(({ Names }) => `container ${Names.join()}`)
    },
  }
}

const container = { ownKernel: false, ownMemoryMb: 0 }

export const ENGINES: readonly AbusedEngine[] = [
  {
    name: 'bubblewrap',
    program: 'bwrap',
    ...container,
    prepare: configured({ SANDBOX_ENGINE: 'bubblewrap' }),
  },
  { name: 'runc', program: 'runc', ...container, prepare: configured({ SANDBOX_ENGINE: 'runc' }) },
  {
    name: 'gVisor',
    program: goToolPath('runsc'),
    ownKernel: true,
    ownMemoryMb: 128,
    prepare: configured({
      SANDBOX_ENGINE: 'runsc',
      SANDBOX_ENGINE_PATH: goToolPath('runsc'),
      SANDBOX_FLOOR: 'kernel',
    }),
  },
  { name: 'Docker', program: 'dockerd', ...container, prepare: prepareDocker },
]

/** @throws with what to install, when the engine is not on this host: nothing is skipped */
export const requireEngine = ({ name, program }: AbusedEngine): void => {
  const found = program.startsWith('/') ? isExecutable(program) : findCommand(program) !== undefined
  if (!found) throw new Error(`${name} is not on this host: \`npm run setup -- --peers\` installs it`)
}
