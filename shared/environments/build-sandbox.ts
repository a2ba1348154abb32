import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PlatformError } from '../errors.ts'
import { PACKAGES_PREFIX } from './build-environment.ts'
import type { EnvironmentsConfig } from './config.ts'
import type { InterpreterCopy } from './copy-interpreter.ts'
import { openIndexProxy } from './index-proxy.ts'
import { isUnreachable, type PackageIndex } from './package-index.ts'
import { CommandError, runCommand } from './run-command.ts'

export type BuildLimits = Pick<
  EnvironmentsConfig,
  'buildTimeoutSeconds' | 'maxDownloadMb' | 'maxEnvironmentMb' | 'buildMemoryMb'
>

export type BuildSandbox = {
  interpreter: InterpreterCopy
  index: PackageIndex
  limits: BuildLimits
  /** Aborting it ends the build. */
  signal?: AbortSignal | undefined
}

const SCRIPT = new URL('./install-packages.py', import.meta.url)
const MEBIBYTE = 1_048_576
const PIP_TIMEOUT_MS = 20_000

/** An own everything, the network included: what is mounted is all there is, and the socket is the only way out. */
const NAMESPACES = [
  '--unshare-all',
  '--unshare-user',
  ...['--uid', '65534', '--gid', '65534'],
  '--die-with-parent',
  '--new-session',
  '--clearenv',
  ...['--setenv', 'PYTHONPATH', '/opt/pip'],
  ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
]
const CERTIFICATES = '/run/certificates.pem'

const FIND_PIP = 'import os, pip; print(os.path.dirname(pip.__file__))'

/** Whose fault it is that pip gave up, in its own words. */
const explain = (error: unknown, limits: BuildLimits, exhausted: boolean): unknown => {
  if (!(error instanceof CommandError)) return error
  if (exhausted)
    return new PlatformError(
      'INVALID',
      `The packages are larger than ${limits.maxDownloadMb} MiB to download.`,
    )
  if (error.missing)
    return new PlatformError(
      'MISCONFIGURED',
      'Environments of requirements are built with bubblewrap: install it (Debian: apt-get install bubblewrap).',
    )
  if (error.timedOut)
    return new PlatformError(
      'INVALID',
      `The environment was not built within ${limits.buildTimeoutSeconds} s.`,
    )
  const said = [...new Set(error.output.match(/^ERROR: .*$/gm))].join(' ').slice(0, 2_000)
  if (isUnreachable(error.output)) {
    return new PlatformError('UNAVAILABLE', 'The package index cannot be reached.', {
      cause: error,
      retryAfterSeconds: 30,
    })
  }
  if (said === '') return error
  return new PlatformError('INVALID', `The requirements cannot be installed from wheels: ${said}`, {
    cause: error,
  })
}

/** pip's package, interpreter and script, the request, and the way to the index: all that a build sees of the host. */
const listMounts = async (request: string, socket: string, { interpreter, index }: BuildSandbox) => {
  const pip = await runCommand(interpreter.host, ['-I', '-c', FIND_PIP], { timeoutMs: PIP_TIMEOUT_MS })
  return [
    ...interpreter.mounts,
    { source: pip.trim(), target: '/opt/pip/pip' },
    { source: fileURLToPath(SCRIPT), target: '/run/install-packages.py' },
    { source: request, target: '/run/request.json' },
    { source: dirname(socket), target: '/run/index' },
    ...(index.certificates === undefined ? [] : [{ source: index.certificates, target: CERTIFICATES }]),
  ]
}

const writeRequest = async (path: string, lines: readonly string[], { index, limits }: BuildSandbox) => {
  const request = {
    requirements: lines.join('\n'),
    index: index.url,
    extra: index.extraUrls,
    certificates: index.certificates === undefined ? null : CERTIFICATES,
    max_bytes: limits.maxEnvironmentMb * MEBIBYTE,
    memory_bytes: limits.buildMemoryMb * MEBIBYTE,
    prefix: PACKAGES_PREFIX,
  }
  // A file, because arguments show in the host's process list.
  await writeFile(path, JSON.stringify(request), { mode: 0o600 })
}

/**
 * Runs pip on requirement lines, in a sandbox that reaches the package index and nothing else. `resolve` writes
 * `report.json`, `install` fills `site-packages`; `take` gets the folder that they are in, before it goes. Wheels only: a
 * source distribution would run its author's code here.
 *
 * @throws {PlatformError} `INVALID` when the requirements are at fault, `UNAVAILABLE` when the index is
 */
export const runPip = async <T>(
  step: 'resolve' | 'install',
  lines: readonly string[],
  parent: string,
  sandbox: BuildSandbox,
  take: (out: string) => Promise<T>,
): Promise<T> => {
  const { interpreter, index, limits, signal } = sandbox
  const working = await mkdtemp(join(parent, 'working-'))
  const [out, request] = [join(working, 'out'), join(working, 'request.json')]
  const proxy = await openIndexProxy(index.hosts, limits.maxDownloadMb * MEBIBYTE)
  try {
    await mkdir(out)
    await writeRequest(request, lines, sandbox)
    const mounts = await listMounts(request, proxy.path, sandbox)
    const args = [
      ...NAMESPACES,
      ...mounts.flatMap(({ source, target }) => ['--ro-bind', source, target]),
      ...['--bind', out, '/out', '--chdir', '/out', '--'],
      ...[interpreter.python, '/run/install-packages.py', step],
    ]
    await runCommand('bwrap', args, { timeoutMs: limits.buildTimeoutSeconds * 1_000, env: {}, signal }).catch(
      (error: unknown) => {
        signal?.throwIfAborted()
        throw explain(error, limits, proxy.exhausted)
      },
    )
    return await take(out)
  } finally {
    await proxy.close()
    await rm(working, { recursive: true, force: true })
  }
}
