import { PlatformError } from '../errors.ts'
import { CommandError, runCommand } from './run-command.ts'

/** Where packages come from: what pip on this host is configured to use. */
export type PackageIndex = {
  url: string
  extraUrls: string[]
  /** `host:port` of the index and of the files it links to: all that a build may reach. */
  hosts: string[]
  /** A bundle of certificates of the host, when pip is told to use one. */
  certificates?: string
}

const READ_OPTIONS = `
import json
from pip._internal.commands import create_command
options, _ = create_command("install").parse_args([])
print(json.dumps({"url": options.index_url, "extraUrls": options.extra_index_urls, "certificates": options.cert}))`

const READ_TIMEOUT_MS = 30_000
const PROBE_TIMEOUT_MS = 60_000

/** `host:port` as a proxy is asked for it. */
export const hostOf = (address: string): string => {
  const { protocol, hostname, port } = new URL(address)
  return `${hostname}:${port || (protocol === 'http:' ? 80 : 443)}`
}

/**
 * Reads pip's configuration (files and environment). An index may keep its files on another host: which one is asked of pip,
 * by resolving pip itself.
 */
export const readPackageIndex = async (python: string): Promise<PackageIndex> => {
  const text = await runCommand(python, ['-I', '-c', READ_OPTIONS], { timeoutMs: READ_TIMEOUT_MS })
  const options = JSON.parse(text) as { url: string; extraUrls: string[]; certificates: string | null }
  const args = [
    '-I',
    '-m',
    'pip',
    'install',
    '--quiet',
    '--dry-run',
    '--ignore-installed',
    '--no-deps',
    '--report',
    '-',
    'pip',
  ]
  const report = await runCommand(python, args, { timeoutMs: PROBE_TIMEOUT_MS }).catch((error: unknown) => {
    const said = error instanceof CommandError ? error.output.match(/^ERROR: .*$/m)?.[0] : undefined
    const message = `The package index cannot be reached: check pip config list. ${said ?? ''}`.trim()
    throw new PlatformError('UNAVAILABLE', message, { cause: error, retryAfterSeconds: 30 })
  })
  const { install } = JSON.parse(report) as { install: { download_info: { url: string } }[] }
  const addresses = [
    options.url,
    ...options.extraUrls,
    ...install.map(({ download_info }) => download_info.url),
  ]
  return {
    url: options.url,
    extraUrls: options.extraUrls,
    hosts: [...new Set(addresses.map(hostOf))],
    ...(options.certificates === null ? {} : { certificates: options.certificates }),
  }
}
