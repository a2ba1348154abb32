import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import Docker, { type Container, type ContainerCreateOptions } from 'dockerode'
import type { Cgroup } from './cgroup.ts'
import { adoptCgroup } from './cgroups.ts'
import type { Engine, Launch, Launched } from './engine.ts'
import { harnessArguments } from './harness.ts'
import { hasEnded, workerId } from './worker-id.ts'

/** An image with nothing in it: the environment is all that a sandbox sees. */
const IMAGE = 'mecapy-sandbox:empty'
const CALL_TIMEOUT_MS = 30_000
const SWEEP_INTERVAL_MS = 60_000
const LABEL = 'mecapy.worker'
const MEBIBYTE = 1024 * 1024
const NANO = 1e9
/** A tar archive of no files. */
const EMPTY_TAR = Buffer.alloc(1024)

/**
 * The harness makes its own user namespace in there, and in it each run's sandbox. So the container has no power to
 * lose, and none of Docker's own veils over what unprivileged users may do anyway: they would forbid the namespace, and
 * the mounts inside of it.
 */
const SECURITY = ['no-new-privileges:true', 'seccomp=unconfined', 'apparmor=unconfined']

const describeContainer = ({ name, environment, hostUid, limits }: Launch): ContainerCreateOptions => ({
  name: `mecapy-${name}-${randomBytes(4).toString('hex')}`,
  Image: IMAGE,
  Cmd: [environment.python, ...harnessArguments],
  User: `${hostUid}:${hostUid}`,
  Labels: { [LABEL]: workerId },
  Hostname: 'sandbox',
  WorkingDir: '/',
  NetworkDisabled: true,
  OpenStdin: true,
  StdinOnce: true,
  AttachStdin: true,
  AttachStdout: true,
  AttachStderr: true,
  HostConfig: {
    NetworkMode: 'none',
    IpcMode: 'private',
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: SECURITY,
    MaskedPaths: [],
    ReadonlyPaths: [],
    Tmpfs: { '/run': 'size=64k,mode=755' },
    Binds: environment.mounts.map(({ source, target }) => `${source}:${target}:ro`),
    Memory: limits.memoryMb * MEBIBYTE,
    MemorySwap: limits.memoryMb * MEBIBYTE,
    PidsLimit: limits.pids,
    NanoCpus: Math.round(limits.cpu * NANO),
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
  },
})

/** Containers of workers that are gone. */
const sweep = async (docker: Docker): Promise<void> => {
  const containers = await docker.listContainers({ all: true, filters: { label: [LABEL] } })
  const orphans = containers.filter(({ Labels }) => hasEnded(Labels[LABEL] ?? ''))
  const remove = (id: string) => docker.getContainer(id).remove({ force: true })
  // Another worker may do the same at the same time.
  await Promise.allSettled(orphans.map(({ Id }) => remove(Id)))
}

/** Two connections to the same daemon: calls that are answered at once, and streams that last as long as a sandbox. */
type Daemon = { calls: Docker; streams: Docker }

const start = async ({ calls, streams }: Daemon, launch: Launch): Promise<Launched> => {
  const container = await calls.createContainer(describeContainer(launch))
  const lasting = streams.getContainer(container.id)
  const remove = async () => {
    await container.remove({ force: true }).catch(() => undefined)
  }
  try {
    const attached = await lasting.attach({
      stream: true,
      hijack: true,
      stdin: true,
      stdout: true,
      stderr: true,
    })
    const stdout = new PassThrough()
    const stderr = new PassThrough()
    calls.modem.demuxStream(attached, stdout, stderr)
    attached.once('end', () => stdout.end())
    const exited = lasting.wait({ condition: 'next-exit' }).then(remove, remove)
    await container.start()
    return {
      stdin: attached as unknown as Launched['stdin'],
      stdout,
      stderr,
      cgroup: await findCgroup(container),
      exited,
      kill: () => void container.kill().catch(() => undefined),
    }
  } catch (error) {
    await remove()
    throw error
  }
}

const findCgroup = async (container: Container): Promise<Cgroup> => {
  const { State } = await container.inspect()
  return adoptCgroup(readFileSync(`/proc/${State.Pid}/cgroup`, 'utf8'))
}

/** Docker, on the same machine: for hosts that have nothing else, such as the virtual machines of the plan's first phase. */
export const createDockerEngine = async (socketPath: string): Promise<Engine> => {
  // Its own, to be let go of at the end; the package's types do not know the option.
  const daemon = { socketPath, agent: new Agent({ keepAlive: true }) }
  const calls = new Docker({ ...daemon, timeout: CALL_TIMEOUT_MS })
  const streams = new Docker({ ...daemon })
  await sweep(calls)
  // The daemon may still have been making one when its worker was killed.
  const sweeping = setInterval(() => void sweep(calls).catch(() => undefined), SWEEP_INTERVAL_MS).unref()
  const [repo, tag] = IMAGE.split(':')
  const progress = await calls.importImage(Readable.from([EMPTY_TAR]), { repo, tag })
  progress.resume()
  await once(progress, 'end')
  return {
    name: 'docker',
    level: 'container',
    startsAs: 'plain-user',
    taskUid: 0,
    ownProcesses: 8,
    ownMemoryMb: 0,
    launch: (launch) => start({ calls, streams }, launch),
    close: async () => {
      clearInterval(sweeping)
      daemon.agent.destroy()
    },
  }
}
