import { goToolPath } from '../../setup/go-tools.mjs'
import { findCommand, isExecutable } from '../../setup/paths.mjs'
import { runDockerd } from '../sandbox/run-dockerd.ts'

/** An engine that has to be on this host. */
export type AbusedEngine = {
  name: string
  /** A command, or where it is. */
  program: string
  /** What the platform's processes are told of it, and what to stop afterwards. */
  prepare(): Promise<{ env: Record<string, string>; stop(): Promise<void> }>
}

const configured = (env: Record<string, string>) => async () => ({ env, stop: async () => undefined })

export const ENGINES: readonly AbusedEngine[] = [
  { name: 'bubblewrap', program: 'bwrap', prepare: configured({ SANDBOX_ENGINE: 'bubblewrap' }) },
  { name: 'runc', program: 'runc', prepare: configured({ SANDBOX_ENGINE: 'runc' }) },
  {
    name: 'gVisor',
    program: goToolPath('runsc'),
    prepare: configured({
      SANDBOX_ENGINE: 'runsc',
      SANDBOX_ENGINE_PATH: goToolPath('runsc'),
      SANDBOX_FLOOR: 'kernel',
    }),
  },
  {
    name: 'Docker',
    program: 'dockerd',
    prepare: async () => {
      const { socketPath, stop } = await runDockerd()
      return { env: { SANDBOX_ENGINE: 'docker', SANDBOX_DOCKER_SOCKET: socketPath }, stop }
    },
  },
]

/** @throws with what to install, when the engine is not on this host: nothing is skipped */
export const requireEngine = ({ name, program }: AbusedEngine): void => {
  const found = program.startsWith('/') ? isExecutable(program) : findCommand(program) !== undefined
  if (!found) throw new Error(`${name} is not on this host: \`npm run setup -- --peers\` installs it`)
}
