import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { PlatformError } from '../errors.ts'
import {
  type Cgroup,
  createCgroupV1,
  createCgroupV2,
  read,
  V1_CONTROLLERS,
  type V1Parents,
  write,
} from './cgroup.ts'

/** Where this process may make cgroups, one for each sandbox. */
export type Cgroups = {
  readonly version: 1 | 2
  /** The folders below which this process's cgroups live. */
  readonly folders: readonly string[]
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

/** Removes what a killed worker left: folders of processes that are gone, once they are empty. */
const sweep = (parent: string): void => {
  for (const name of readdirSync(parent)) {
    const folder = join(parent, name)
    const pid = /^worker-(\d+)-\d+$/.exec(name)?.[1]
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue
    try {
      for (const sandbox of readdirSync(folder, { withFileTypes: true }))
        if (sandbox.isDirectory()) rmdirSync(join(folder, sandbox.name))
      rmdirSync(folder)
    } catch {
      // Something still lives there; the next start tries again.
    }
  }
}

const makeOwnFolder = (parent: string): string => {
  mkdirSync(parent, { recursive: true })
  sweep(parent)
  const own = join(parent, `worker-${process.pid}-${opened}`)
  mkdirSync(own, { recursive: true })
  return own
}

const delegate = (folder: string): void =>
  write(folder, 'cgroup.subtree_control', CONTROLLERS.map((name) => `+${name}`).join(' '))

/** Version 2 wants a group's processes in its leaves: ours step aside, so that siblings may have limits. */
const stepAside = (folder: string): void => {
  const leaf = join(folder, `${OURS}-host`)
  mkdirSync(leaf, { recursive: true })
  for (const pid of read(folder, 'cgroup.procs').split('\n').filter(Boolean)) write(leaf, 'cgroup.procs', pid)
}

const openV2 = (mount: string, self: string): Cgroups | undefined => {
  const ownPath = /^0::(\/.*)$/m.exec(self)?.[1] ?? '/'
  // The host's root may have groups beside its processes; any other group, a container's included, may not.
  const isHostRoot = !existsSync(join(mount, 'cgroup.type')) && isWritable(join(mount, 'cgroup.procs'))
  const base = isHostRoot ? mount : join(mount, ownPath)
  if (!CONTROLLERS.every((name) => read(base, 'cgroup.controllers').split(/\s+/).includes(name)))
    return undefined
  if (!isWritable(base) || !isWritable(join(base, 'cgroup.procs'))) return undefined
  if (!isHostRoot) stepAside(base)
  delegate(base)
  const parent = join(base, OURS)
  mkdirSync(parent, { recursive: true })
  delegate(parent)
  const own = makeOwnFolder(parent)
  delegate(own)
  return {
    version: 2,
    folders: [own],
    create: (name) => createCgroupV2(own, name),
    close: async () => rmdirSync(own),
  }
}

const openV1 = (mounts: string): Cgroups | undefined => {
  const found = [...mounts.matchAll(/^\S+ (\S+) cgroup (\S+)/gm)].map(([, folder = '', options = '']) => ({
    folder,
    controllers: options.split(','),
  }))
  const parents: Partial<V1Parents> = {}
  for (const name of V1_CONTROLLERS) {
    const mount = found.find(({ controllers }) => controllers.includes(name))?.folder
    if (mount === undefined || !isWritable(mount)) return undefined
    parents[name] = makeOwnFolder(join(mount, OURS))
  }
  const folders = [...new Set(Object.values(parents))]
  return {
    version: 1,
    folders,
    create: (name) => createCgroupV1(parents as V1Parents, name),
    close: async () => {
      for (const folder of folders) rmdirSync(folder)
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
export const openCgroups = ({ mounts, self } = readSources()): Cgroups => {
  opened += 1
  const v2Mount = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1]
  try {
    const cgroups = (v2Mount === undefined ? undefined : openV2(v2Mount, self)) ?? openV1(mounts)
    if (cgroups !== undefined) return cgroups
  } catch (cause) {
    throw new PlatformError('MISCONFIGURED', REFUSAL, { cause })
  }
  throw new PlatformError('MISCONFIGURED', REFUSAL)
}
