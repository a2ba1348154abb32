import type { Readable, Writable } from 'node:stream'
import type { Environment } from '../environments/index.ts'
import type { Cgroup, CgroupLimits } from './cgroup.ts'
import type { SandboxLevel } from './port.ts'

/**
 * As what the harness wakes up, and so what is left for it to do: map itself away from the host's root, make a user
 * namespace of its own, or nothing, as root of a namespace or of a kernel that mean nothing on the host.
 */
export type StartsAs = 'host-root' | 'plain-user' | 'namespace-root' | 'own-kernel-root'

export type Launch = {
  /** Unique on this host. */
  name: string
  environment: Environment
  /** The first of two unprivileged ids that are this sandbox's alone. */
  hostUid: number
  /** What it may use until a run says otherwise. */
  limits: CgroupLimits
}

export type Launched = {
  stdin: Writable
  stdout: Readable
  stderr: Readable
  /** Holds every process of the sandbox. */
  cgroup: Cgroup
  /** Resolves once no process is left; the engine has cleaned up after itself by then. */
  exited: Promise<void>
  /** Ends all of it at once, without asking. */
  kill(): void
}

/** Starts one process inside fresh namespaces, with nothing of the host but the environment, read-only. */
export type Engine = {
  readonly name: string
  readonly level: SandboxLevel
  readonly startsAs: StartsAs
  /** Who a run is, in the sandbox's user namespace: another than its root (0) where two ids are mapped. */
  readonly taskUid: 0 | 1000
  /** Processes in the sandbox's cgroup that are not the task's, at most. */
  readonly ownProcesses: number
  /** Memory in it that is not the task's: what a kernel of its own takes. */
  readonly ownMemoryMb: number
  launch(launch: Launch): Promise<Launched>
  close(): Promise<void>
}
