import { execFileSync } from 'node:child_process'
import type { Environment } from '../../shared/environments/index.ts'

/** Runs Python in an environment that sees nothing else, and returns what it printed. */
export const runPython = (environment: Environment, code: string): string => {
  const mounts = environment.mounts.flatMap(({ source, target }) => ['--ro-bind', source, target])
  const packages = [
    '--setenv',
    'PYTHONPATH',
    environment.sitePackages.join(':'),
    '--setenv',
    'OPENBLAS_NUM_THREADS',
    '1',
  ]
  const namespaces = ['--unshare-all', '--clearenv', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp']
  const args = [...namespaces, ...packages, ...mounts, '--', environment.python, '-c', code]
  return execFileSync('bwrap', args, { encoding: 'utf8', timeout: 30_000 })
}
