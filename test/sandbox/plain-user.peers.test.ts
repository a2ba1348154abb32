import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, expect, it } from 'vitest'
import type { Prepared } from './plain-user.ts'
import { environment } from './run-task.ts'

/** Root prepares what an administrator or systemd would, then becomes nobody in particular. */
const UID = 64_321
const NAME = `mecapy-test-${process.pid}`
const SCRIPT = fileURLToPath(new URL('./plain-user.ts', import.meta.url))
const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers')
const CONTROLLERS = ['memory', 'pids', 'cpu', 'cpuacct']
const folders = isV2
  ? [`/sys/fs/cgroup/${NAME}`]
  : CONTROLLERS.map((name) => `/sys/fs/cgroup/${name}/${NAME}`)

const removeTree = (folder: string): void => {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(folder, entry.name))
  rmdirSync(folder)
}
afterEach(() => folders.filter((folder) => existsSync(folder)).forEach(removeTree))

// The environment of this checkout may lie in a home or a data folder that is closed to others.
const open = mkdtempSync(join(tmpdir(), 'mecapy-plain-user-'))
chmodSync(open, 0o755)
afterAll(() => rmSync(open, { recursive: true, force: true }))
const openEnvironment = () => ({
  ...environment,
  mounts: environment.mounts.map((mount, index) => {
    const source = join(open, String(index))
    if (!existsSync(source)) execFileSync('cp', ['-a', mount.source, source])
    return { ...mount, source }
  }),
})

const delegate = () => {
  for (const folder of folders) {
    mkdirSync(folder)
    for (const path of [folder, ...readdirSync(folder).map((name) => join(folder, name))])
      chownSync(path, UID, UID)
  }
}

const runAsPlainUser = async (prepared: Omit<Prepared, 'environment'>) => {
  const child = spawn(
    process.execPath,
    [SCRIPT, JSON.stringify({ environment: openEnvironment(), ...prepared })],
    {
      uid: UID,
      gid: UID,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const [folder = ''] = folders
  if (isV2 && existsSync(folder)) writeFileSync(join(folder, 'cgroup.procs'), String(child.pid))
  return JSON.parse(await text(child.stdout)) as Record<string, unknown>
}

it('sandboxes as a plain user to whom a cgroup is delegated', { timeout: 60_000 }, async () => {
  delegate()
  const lines = CONTROLLERS.map((name) => `cgroup /sys/fs/cgroup/${name}/${NAME} cgroup rw,${name} 0 0`)
  expect(await runAsPlainUser(isV2 ? {} : { cgroupMounts: lines.join('\n') })).toMatchObject({
    uid: UID,
    completed: { status: 'completed', result: '{"result": [1000, 1]}' },
    files: ['x.txt'],
    failed: { status: 'failed', failureCode: 'out_of_memory' },
    open: [],
  })
})

it('refuses to as a plain user to whom none is, and says what to do', { timeout: 60_000 }, async () => {
  expect(await runAsPlainUser({})).toEqual({
    error: expect.stringContaining('systemd-run --user --scope -p Delegate=yes'),
  })
})
