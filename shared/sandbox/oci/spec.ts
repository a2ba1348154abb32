import type { Environment } from '../../environments/index.ts'

export type SpecOptions = {
  environment: Environment
  command: readonly string[]
  /** The host's folder that becomes the root, with a mount point for everything. */
  root: string
  /** Where the runtime shall put the container, as a path below each hierarchy; undefined: nowhere. */
  cgroupsPath: string | undefined
  /** Two unprivileged ids of the host to be root and task inside; undefined: the runtime has a kernel of its own. */
  hostUid: number | undefined
}

/** What the harness needs to lay out a run, in a user namespace where none of it means anything outside. */
const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_KILL',
  'CAP_NET_ADMIN',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_ADMIN',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_RESOURCE',
]

const mapIds = (hostUid: number) => [
  { containerID: 0, hostID: hostUid, size: 1 },
  { containerID: 1000, hostID: hostUid + 1, size: 1 },
]

const tmpfs = (destination: string, options: readonly string[]) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', ...options],
})

/** Where a container has something mounted, besides its environment. */
export const MOUNT_POINTS = ['/proc', '/dev', '/run']

/**
 * The configuration of a sandbox for any OCI runtime. No seccomp filter and no masks: this is the outer wall, in which
 * the harness builds each run's own, and it may mount no more of /proc than it can see.
 */
export const buildSpec = ({ environment, command, root, cgroupsPath, hostUid }: SpecOptions) => ({
  ociVersion: '1.0.2',
  process: {
    terminal: false,
    user: { uid: 0, gid: 0 },
    args: command,
    env: [],
    cwd: '/',
    capabilities: {
      bounding: CAPABILITIES,
      effective: CAPABILITIES,
      permitted: CAPABILITIES,
      inheritable: [],
      ambient: [],
    },
    noNewPrivileges: true,
  },
  root: { path: root, readonly: true },
  hostname: 'sandbox',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
    tmpfs('/dev', ['mode=755', 'size=64k']),
    tmpfs('/run', ['nodev', 'mode=755', 'size=64k']),
    ...environment.mounts.map(({ source, target }) => ({
      destination: target,
      type: 'bind',
      source,
      options: ['rbind', 'ro', 'nosuid', 'nodev'],
    })),
  ],
  linux: {
    namespaces: [
      ...['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      ...(hostUid === undefined ? [] : [{ type: 'user' }]),
    ],
    ...(hostUid === undefined ? {} : { uidMappings: mapIds(hostUid), gidMappings: mapIds(hostUid) }),
    ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
    maskedPaths: [],
    readonlyPaths: [],
  },
})
