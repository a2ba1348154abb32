import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { expect, vi } from 'vitest'

export type Dockerd = { socketPath: string; stop(): Promise<void> }

/** A Docker daemon of the test's own: no network, no image, nothing of it left afterwards. */
export const runDockerd = async (): Promise<Dockerd> => {
  const folder = await mkdtemp(join(tmpdir(), 'mecapy-dockerd-'))
  const socketPath = join(folder, 'docker.sock')
  const daemon = spawn(
    'dockerd',
    [
      ...['--host', `unix://${socketPath}`, '--pidfile', join(folder, 'pid')],
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
      ...['--iptables=false', '--ip6tables=false', '--bridge=none', '--containerd-namespace', 'mecapy-test'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  daemon.stderr.on('data', (data: Buffer) => {
    said = (said + data.toString()).slice(-4_000)
  })
  const docker = new Docker({ socketPath })
  const answers = async () => {
    expect(daemon.exitCode, said).toBe(null)
    await docker.ping()
  }
  await vi.waitFor(answers, { timeout: 30_000, interval: 100 })
  return {
    socketPath,
    stop: async () => {
      daemon.kill('SIGTERM')
      if (daemon.exitCode === null) await once(daemon, 'exit')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
