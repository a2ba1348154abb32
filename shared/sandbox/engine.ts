import type { Readable, Writable } from 'node:stream'
import type { Environment } from '../environments/index.ts'
import type { Cgroup } from './cgroup.ts'
import type { SandboxLevel } from './port.ts'

/**
 * As what the harness wakes up, and so what is left for it to do before it is root of a user namespace that means
 * nothing on the host: map itself away from the host's root, make a namespace of its own, or nothing.
 */
export type StartsAs = 'host-root' | 'plain-user' | 'namespace-root'

export type Launch = {
  /** Unique on this host. */
  name: string
  environment: Environment
  /** The command, as paths of the sandbox. */
  command: readonly string[]
  /** Every process of the sandbox belongs into it. */
  cgroup: Cgroup
  /** The first of two unprivileged ids that are this sandbox's alone. */
  hostUid: number
}

export type Launched = {
  stdin: Writable
  stdout: Readable
  stderr: Readable
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
  launch(launch: Launch): Promise<Launched>
  close(): Promise<void>
}
