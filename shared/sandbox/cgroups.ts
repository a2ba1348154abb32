import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { PlatformError } from '../errors.ts'
import { type Cgroup, cgroupV1, cgroupV2, read, removeAbandoned, type V1Folders, write } from './cgroup.ts'
import { hasEnded, WORKER_ID, workerId } from './worker-id.ts'

/** Where this process may make cgroups, one for each sandbox. */
export type Cgroups = {
  readonly version: 1 | 2
  create(name: string): Cgroup
  close(): Promise<void>
}

/** What the search looks at; tests give a tree of their own. */
export type CgroupSources = { mounts: string; self: string }

const CONTROLLERS = ['memory', 'pids', 'cpu']
const OURS = 'mecapy'

const REFUSAL = `No memory, process and CPU limits can be set here, so no sandbox can hold a task. Start the worker as root, \
or give it a delegated cgroup (version 2): \`systemd-run --user --scope -p Delegate=yes <command>\` on a laptop, \
\`Delegate=yes\` in its systemd unit on a server.`

/** One process may open several: each has folders of its own. */
let opened = 0

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const WORKER = new RegExp(`^worker-(${WORKER_ID})-\\d+$`)

/** Ends and removes what killed workers left. */
const sweep = async (parent: string): Promise<void> => {
  for (const name of readdirSync(parent)) {
    const id = WORKER.exec(name)?.[1]
    if (id === undefined || !hasEnded(id)) continue
    // Another worker may do the same at the same time; what resists is for the next start.
    await removeAbandoned(join(parent, name)).catch(() => undefined)
  }
}

const makeOwnFolder = async (parent: string, name: string): Promise<string> => {
  mkdirSync(parent, { recursive: true })
  await sweep(parent)
  const own = join(parent, name)
  mkdirSync(own, { recursive: true })
  return own
}

const delegate = (folder: string): void =>
  write(folder, 'cgroup.subtree_control', CONTROLLERS.map((name) => `+${name}`).join(' '))

/** Version 2 wants a group's processes in its leaves: ours step aside, so that siblings may have limits. */
const HOST_LEAF = `${OURS}-host`
const stepAside = (folder: string): void => {
  const leaf = join(folder, HOST_LEAF)
  mkdirSync(leaf, { recursive: true })
  for (const pid of read(folder, 'cgroup.procs').split('\n').filter(Boolean)) write(leaf, 'cgroup.procs', pid)
}

const findV2Mount = (mounts: string): string | undefined => /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1]

const openV2 = async (mount: string, self: string, name: string): Promise<Cgroups | undefined> => {
  const selfPath = /^0::(\/.*)$/m.exec(self)?.[1] ?? '/'
  // Where an earlier start, perhaps of the worker before, has stepped aside already.
  const ownPath = basename(selfPath) === HOST_LEAF ? dirname(selfPath) : selfPath
  // The host's root may have groups beside its processes; any other group, a container's included, may not.
  const isHostRoot = !existsSync(join(mount, 'cgroup.type')) && isWritable(join(mount, 'cgroup.procs'))
  const base = isHostRoot ? mount : join(mount, ownPath)
  const offered = read(base, 'cgroup.controllers').split(/\s+/)
  if (!CONTROLLERS.every((name) => offered.includes(name))) return undefined
  if (!isWritable(base) || !isWritable(join(base, 'cgroup.procs'))) return undefined
  if (!isHostRoot) stepAside(base)
  delegate(base)
  const parent = join(base, OURS)
  mkdirSync(parent, { recursive: true })
  delegate(parent)
  const own = await makeOwnFolder(parent, name)
  delegate(own)
  return {
    version: 2,
    create: (name) => {
      const folder = join(own, name)
      mkdirSync(folder)
      return cgroupV2(folder, folder.slice(mount.length))
    },
    close: async () => rmdirSync(own),
  }
}

/** Every hierarchy of version 1 with its controllers, and the empty one of version 2 that may stand beside them. */
const listV1Mounts = (mounts: string) =>
  [...mounts.matchAll(/^\S+ (\S+) cgroup2? (\S+)/gm)].map(([, folder = '', options = '']) => ({
    folder,
    controllers: options.split(','),
  }))

const pickV1 = (folderOf: (controller: string) => string | undefined): V1Folders | undefined => {
  const [memory, pids, cpu, cpuacct] = ['memory', 'pids', 'cpu', 'cpuacct'].map(folderOf)
  return memory && pids && cpu && cpuacct ? { memory, pids, cpu, cpuacct } : undefined
}

const openV1 = async (mounts: string, name: string): Promise<Cgroups | undefined> => {
  const writable = listV1Mounts(mounts).filter(({ folder }) => isWritable(folder))
  const folderOf = (name: string) => writable.find(({ controllers }) => controllers.includes(name))?.folder
  if (pickV1(folderOf) === undefined) return undefined
  // In every hierarchy, for an OCI runtime joins them all and would leave what it made.
  const own = new Map<string, string>()
  for (const { folder } of writable) own.set(folder, await makeOwnFolder(join(folder, OURS), name))
  return {
    version: 1,
    create: (name) => {
      const made = pickV1((controller) => join(own.get(folderOf(controller) ?? '') ?? '', name)) as V1Folders
      for (const folder of new Set(Object.values(made))) mkdirSync(folder)
      return cgroupV1(made, join('/', OURS, basename(dirname(made.memory)), name))
    },
    close: async () => {
      for (const folder of own.values()) rmdirSync(folder)
    },
  }
}

const readSources = (): CgroupSources => ({
  mounts: readFileSync('/proc/self/mounts', 'utf8'),
  self: readFileSync('/proc/self/cgroup', 'utf8'),
})

/**
 * Finds where this process may limit others: version 2 where it rules memory, else version 1.
 *
 * @throws {PlatformError} `MISCONFIGURED` when nowhere, with what to do about it
 */
export const openCgroups = async ({ mounts, self } = readSources()): Promise<Cgroups> => {
  const name = `worker-${workerId}-${++opened}`
  const v2Mount = findV2Mount(mounts)
  try {
    const v2 = v2Mount === undefined ? undefined : await openV2(v2Mount, self, name)
    const cgroups = v2 ?? (await openV1(mounts, name))
    if (cgroups !== undefined) return cgroups
  } catch (cause) {
    throw new PlatformError('MISCONFIGURED', REFUSAL, { cause })
  }
  throw new PlatformError('MISCONFIGURED', REFUSAL)
}

/** What it last said, once somebody else has removed it. */
const remembering = (cgroup: Cgroup): Cgroup => {
  let last = { cpuSeconds: 0, memoryMb: 0, memoryPeakMb: 0, oomKills: 0, pidsRefused: 0 }
  return {
    ...cgroup,
    read: () => {
      try {
        last = cgroup.read()
      } catch {}
      return last
    },
    kill: (exceptPid) => {
      try {
        cgroup.kill(exceptPid)
      } catch {}
    },
    remove: async () => undefined,
  }
}

/**
 * The cgroup that somebody else made for a process and will remove, from the text of its `/proc/<pid>/cgroup`.
 *
 * @throws {PlatformError} `MISCONFIGURED` when it may not be changed
 */
export const adoptCgroup = (self: string, { mounts } = readSources()): Cgroup => {
  const lines = [...self.matchAll(/^\d+:([^:]*):(\/.*)$/gm)]
  const pathOf = (controller: string) =>
    lines.find(([, names]) => names?.split(',').includes(controller))?.[2]
  const v1 = pickV1((name) => {
    const folder = listV1Mounts(mounts).find(({ controllers }) => controllers.includes(name))?.folder
    const path = pathOf(name)
    return folder && path && join(folder, path)
  })
  const path = pathOf('') ?? '/'
  const cgroup = v1 ? cgroupV1(v1, path) : cgroupV2(join(findV2Mount(mounts) ?? '', path), path)
  if (!cgroup.doors.every(isWritable)) throw new PlatformError('MISCONFIGURED', REFUSAL)
  return remembering(cgroup)
}
