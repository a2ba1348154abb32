import { PlatformError } from '../errors.ts'
import { runCommand } from './run-command.ts'

export type Interpreter = {
  /** The real binary, whatever shim or virtual environment led to it. */
  executable: string
  version: string
  /** Where it was installed, and its standard library below that. */
  prefix: string
  stdlib: string
  libc: string
  hasPip: boolean
}

const NEWEST_FIRST = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3.14']
const PROBE_TIMEOUT_MS = 20_000

const PROBE = `
import importlib.util, json, os, platform, sys, sysconfig
print(json.dumps({
  "implementation": sys.implementation.name,
  "executable": os.path.realpath(sys._base_executable),
  "version": platform.python_version(),
  "prefix": sys.base_prefix,
  "stdlib": os.path.relpath(sysconfig.get_path("stdlib"), sys.base_prefix),
  "libc": platform.libc_ver()[0],
  "hasPip": importlib.util.find_spec("pip") is not None,
}))`

/** Asks `name` (a command or a path) what it really is; a string says why it will not do. */
const probe = async (name: string): Promise<Interpreter | string> => {
  const output = await runCommand(name, ['-I', '-c', PROBE], { timeoutMs: PROBE_TIMEOUT_MS }).catch(() => '')
  if (output === '') return `${name} is not there`
  const { implementation, ...found } = JSON.parse(output) as Interpreter & { implementation: string }
  const [major = 0, minor = 0] = found.version.split('.').map(Number)
  if (implementation !== 'cpython') return `${name} is ${implementation}, not CPython`
  if (major !== 3 || minor < 10) return `${name} is Python ${found.version}`
  if (found.libc !== 'glibc') return `${name} is not built for glibc`
  if (!found.hasPip) return `${name} has no pip`
  return found
}

/**
 * The CPython to build environments with: `python` when given, else the first fitting one on the PATH.
 *
 * @throws {PlatformError} `MISCONFIGURED` naming what to install
 */
export const findInterpreter = async (python?: string): Promise<Interpreter> => {
  const refusals: string[] = []
  for (const name of python === undefined ? NEWEST_FIRST : [python]) {
    const found = await probe(name)
    if (typeof found !== 'string') return found
    refusals.push(found)
  }
  throw new PlatformError(
    'MISCONFIGURED',
    `No usable Python: install CPython 3.10 or later with pip (Debian: apt-get install python3 python3-pip); ${refusals.join(', ')}.`,
  )
}
