import { findCommand } from './paths.mjs'
import { run } from './run.mjs'

/**
 * Programs from the system's package manager: the command that shows each is there, the first level that needs it, and
 * what for. Each answers `--version`.
 *
 * @type {readonly { name: string, command: string, level: import('./setup.mjs').Level, why: string }[]}
 */
export const DEBIAN_PACKAGES = [
  { name: 'bubblewrap', command: 'bwrap', level: 'run', why: 'the sandbox around every task' },
  { name: 'runc', command: 'runc', level: 'peers', why: 'the sandbox of container hosts' },
  {
    name: 'docker.io',
    command: 'dockerd',
    level: 'peers',
    why: 'the sandbox of virtual machines that run Docker',
  },
  { name: 'redis-server', command: 'redis-server', level: 'peers', why: 'the queue of production' },
]

const TIMEOUT_MS = 10 * 60_000

/**
 * Installs packages with apt; only root can.
 *
 * @param {string[]} names
 */
export const installDebianPackages = async (names) => {
  const apt = findCommand('apt-get')
  if (apt === undefined)
    throw new Error(`install ${names.join(', ')} with this system's package manager, then run this again`)
  if (process.getuid?.() !== 0)
    throw new Error(`run \`sudo apt-get install -y ${names.join(' ')}\`, then run this again`)
  const options = { timeoutMs: TIMEOUT_MS, env: { DEBIAN_FRONTEND: 'noninteractive' } }
  const install = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...names]
  // A fresh container has no package lists yet, an old one has lists of files that are gone.
  await run(apt, install, options).catch(async () => {
    await run(apt, ['update'], options)
    await run(apt, install, options)
  })
}

/**
 * @param {import('./setup.mjs').Level[]} levels
 * @returns {import('./setup.mjs').Part}
 */
export const debianPackages = (levels) => {
  const listMissing = () =>
    DEBIAN_PACKAGES.filter(({ level, command }) => levels.includes(level) && !findCommand(command))
  return {
    name: 'system packages',
    describe: () =>
      listMissing()
        .map(({ name, why }) => `${name} (${why})`)
        .join(', '),
    isReady: () => listMissing().length === 0,
    install: () => installDebianPackages(listMissing().map(({ name }) => name)),
  }
}
