import { readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PlatformError } from '../errors.ts'
import { type BuildSandbox, runPip } from './build-sandbox.ts'
import { lockFile } from './lock-file.ts'

type ReportEntry = {
  metadata: { name: string; version: string }
  download_info: { archive_info?: { hashes?: { sha256?: string } } }
}

/** pip's report as lines of a lock, in the order of the names. */
const readReport = async (path: string): Promise<string[]> => {
  const { install } = JSON.parse(await readFile(path, 'utf8')) as { install: ReportEntry[] }
  const lines = install.map(({ metadata, download_info }) => {
    const hash = download_info.archive_info?.hashes?.sha256
    if (hash !== undefined) return `${metadata.name}==${metadata.version} --hash=sha256:${hash}`
    throw new PlatformError('MISCONFIGURED', `The package index gives no SHA-256 for ${metadata.name}.`)
  })
  return lines.sort()
}

const readLock = async (path: string): Promise<string[] | undefined> => {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text?.trim().split('\n')
}

/**
 * Resolves requirement lines to one version and hash each, and keeps the answer in `path`: the same lines mean the same
 * versions on this host from then on.
 */
export const lockRequirements = async (
  lines: readonly string[],
  path: string,
  openSandbox: () => Promise<BuildSandbox>,
): Promise<string[]> => {
  const known = await readLock(path)
  if (known !== undefined) return known
  const sandbox = await openSandbox()
  const { interpreter, limits, signal } = sandbox
  // Two that resolve at one moment could come to two answers.
  const unlock = await lockFile(`${path}.lock`, interpreter.host, limits.buildTimeoutSeconds * 1_000, signal)
  try {
    const found = await readLock(path)
    if (found !== undefined) return found
    const locked = await runPip('resolve', lines, tmpdir(), sandbox, (out) =>
      readReport(join(out, 'report.json')),
    )
    await writeFile(`${path}.new`, `${locked.join('\n')}\n`)
    await rename(`${path}.new`, path)
    return locked
  } finally {
    await unlock()
  }
}
