import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Cgroups } from '../cgroups.ts'
import type { Engine, Launch } from '../engine.ts'
import { spawnInCgroup } from '../spawn-in-cgroup.ts'
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

/** Removes what a killed worker left; its containers ended with it. */
const sweep = async (name: RuntimeName): Promise<void> => {
  for (const folder of await readdir(tmpdir())) {
    const pid = new RegExp(`^mecapy-${name}-(\\d+)-`).exec(folder)?.[1]
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue
    await rm(join(tmpdir(), folder), { recursive: true, force: true }).catch(() => undefined)
  }
}

/** An OCI runtime, as root: runc and crun in a user namespace, gVisor's runsc with a kernel of its own. */
export const createOciEngine = async ({ name, path, cgroups }: OciOptions): Promise<Engine> => {
  const runtime = RUNTIMES[name]
  // Mapped ids must be able to walk to the root; what lies beside it is nobody's business.
  await sweep(name)
  const base = await mkdtemp(join(tmpdir(), `mecapy-${name}-${process.pid}-`))
  await chmod(base, 0o711)
  const root = join(base, 'root')
  const state = join(base, 'state')
  await mkdir(state, { mode: 0o700 })
  const command = [path, '--root', state, ...runtime.globalArguments]

  const prepareRoot = async ({ environment }: Launch) => {
    for (const point of [...MOUNT_POINTS, ...environment.mounts.map(({ target }) => target)])
      await mkdir(join(root, point), { recursive: true })
  }

  const launch = async (order: Launch) => {
    const folder = join(base, order.name)
    await prepareRoot(order)
    await mkdir(folder)
    const cgroup = cgroups.create(order.name)
    cgroup.limit(order.limits)
    const spec = buildSpec({
      environment: order.environment,
      command: order.command,
      root,
      cgroupsPath: runtime.entersCgroup ? cgroup.path : undefined,
      hostUid: runtime.mapsIds ? order.hostUid : undefined,
    })
    await writeFile(join(folder, 'config.json'), JSON.stringify(spec))
    // A runtime that puts the container into the cgroup itself stays out of the task's account.
    const started = spawnInCgroup(
      [...command, 'run', ...runtime.runArguments, '--bundle', folder, order.name],
      { cgroup, inside: !runtime.entersCgroup },
    )
    const cleanUp = async () => {
      const [file = '', ...rest] = [...command, 'delete', '--force', order.name]
      // Who ended well has deleted itself.
      await run(file, rest, { timeout: DELETE_TIMEOUT_MS }).catch(() => undefined)
      await rm(folder, { recursive: true })
    }
    return { ...started, exited: started.exited.then(cleanUp) }
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
