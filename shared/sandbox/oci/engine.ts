import { execFile } from 'node:child_process'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Cgroup } from '../cgroup.ts'
import type { Cgroups } from '../cgroups.ts'
import type { Engine, Launch, Launched } from '../engine.ts'
import { harnessArguments } from '../harness.ts'
import { launchInCgroup } from '../launch-in-cgroup.ts'
import { makeTemporaryFolder } from '../temporary-folder.ts'
import { buildSpec, MOUNT_POINTS } from './spec.ts'

const run = promisify(execFile)
const DELETE_TIMEOUT_MS = 10_000

export type RuntimeName = 'runc' | 'crun' | 'runsc'

export type OciOptions = { name: RuntimeName; path: string; cgroups: Cgroups }

/** Where the runtimes differ. */
type Runtime = {
  level: Engine['level']
  /** Before the command. */
  globalArguments: readonly string[]
  runArguments: readonly string[]
  /** Whether it puts the container into a cgroup itself, or is started inside, so that the container is too. */
  entersCgroup: boolean
  /** Whether its root is an unprivileged user of the host by a user namespace, or the root of a kernel of its own. */
  mapsIds: boolean
  /** Its processes and threads beside the task's. */
  ownProcesses: number
  ownMemoryMb: number
}

const RUNTIMES: Record<RuntimeName, Runtime> = {
  runc: {
    level: 'container',
    globalArguments: [],
    // It would remove the cgroup, which is ours to read once all is over.
    runArguments: ['--keep'],
    entersCgroup: true,
    mapsIds: true,
    ownProcesses: 40,
    ownMemoryMb: 0,
  },
  crun: {
    level: 'container',
    globalArguments: ['--cgroup-manager=disabled'],
    runArguments: [],
    entersCgroup: false,
    mapsIds: true,
    ownProcesses: 12,
    ownMemoryMb: 0,
  },
  runsc: {
    level: 'kernel',
    globalArguments: [
      '--network=none',
      '--gofer-network-namespace=new',
      '--ignore-cgroups',
      '--overlay2=none',
    ],
    runArguments: [],
    entersCgroup: false,
    mapsIds: false,
    ownProcesses: 512,
    ownMemoryMb: 128,
  },
}

/** An OCI runtime, as root: runc and crun in a user namespace, gVisor's runsc with a kernel of its own. */
export const createOciEngine = async ({ name, path, cgroups }: OciOptions): Promise<Engine> => {
  const runtime = RUNTIMES[name]
  // Mapped ids must be able to walk to the root; what lies beside it is nobody's business.
  const base = await makeTemporaryFolder(name)
  await chmod(base, 0o711)
  const root = join(base, 'root')
  const state = join(base, 'state')
  await mkdir(state, { mode: 0o700 })
  const command = [path, '--root', state, ...runtime.globalArguments]

  const prepareRoot = async ({ environment }: Launch) => {
    for (const point of [...MOUNT_POINTS, ...environment.mounts.map(({ target }) => target)])
      await mkdir(join(root, point), { recursive: true })
  }

  const writeBundle = async (folder: string, { environment, hostUid }: Launch, cgroup: Cgroup) => {
    await mkdir(folder)
    const spec = buildSpec({
      environment,
      command: [environment.python, ...harnessArguments],
      root,
      cgroupsPath: runtime.entersCgroup ? cgroup.path : undefined,
      hostUid: runtime.mapsIds ? hostUid : undefined,
    })
    await writeFile(join(folder, 'config.json'), JSON.stringify(spec))
  }

  const start = (name: string, folder: string, cgroup: Cgroup): Launched => {
    const launched = launchInCgroup(
      [...command, 'run', ...runtime.runArguments, '--bundle', folder, name],
      cgroup,
      // A runtime that puts the container into the cgroup itself stays out of the task's account.
      { inside: !runtime.entersCgroup },
    )
    const cleanUp = async () => {
      const [file = '', ...rest] = [...command, 'delete', '--force', name]
      // Who ended well has deleted itself.
      await run(file, rest, { timeout: DELETE_TIMEOUT_MS }).catch(() => undefined)
      await rm(folder, { recursive: true })
    }
    return { ...launched, exited: launched.exited.then(cleanUp) }
  }

  const launch = async (order: Launch): Promise<Launched> => {
    await prepareRoot(order)
    const folder = join(base, order.name)
    const cgroup = cgroups.create(order.name)
    try {
      cgroup.limit(order.limits)
      await writeBundle(folder, order, cgroup)
      return start(order.name, folder, cgroup)
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      await cgroup.remove()
      throw error
    }
  }

  return {
    name,
    level: runtime.level,
    startsAs: runtime.mapsIds ? 'namespace-root' : 'own-kernel-root',
    taskUid: 1000,
    ownProcesses: runtime.ownProcesses,
    ownMemoryMb: runtime.ownMemoryMb,
    launch,
    close: async () => {
      await rm(base, { recursive: true })
      await cgroups.close()
    },
  }
}
