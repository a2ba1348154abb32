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

type ConfiguredIndex = { url: string; extraUrls: string[]; certificates: string | null }

const READ_TIMEOUT_MS = 30_000
const PROBE_TIMEOUT_MS = 60_000

/** `host:port` as a proxy is asked for it. */
export const hostOf = (address: string): string => {
  const { protocol, hostname, port } = new URL(address)
  return `${hostname}:${port || (protocol === 'http:' ? 80 : 443)}`
}

const UNREACHABLE =
  /Failed to establish|ConnectTimeout|ReadTimeout|ProxyError|Max retries|Tunnel connection failed|ConnectionReset|RemoteDisconnected/

/** Whether what pip said means that it got no answer, whatever else it concluded from that. */
export const isUnreachable = (output: string): boolean => UNREACHABLE.test(output)

/** An index may keep its files on another host; which one is asked of pip, by resolving pip itself. */
const findFileAddresses = async (python: string, env: NodeJS.ProcessEnv | undefined): Promise<string[]> => {
  const args = [
    '-I',
    '-m',
    'pip',
    'install',
    '--dry-run',
    '--ignore-installed',
    '--no-deps',
    '--quiet',
    '--retries',
    '1',
  ]
  try {
    const report = await runCommand(python, [...args, '--report', '-', 'pip'], {
      timeoutMs: PROBE_TIMEOUT_MS,
      ...(env && { env }),
    })
    const { install } = JSON.parse(report) as { install: { download_info: { url: string } }[] }
    return install.map(({ download_info }) => download_info.url)
  } catch (error) {
    // An index of few packages may not have this one; then its files have to be where it is.
    if (error instanceof CommandError && !error.timedOut && !isUnreachable(error.output)) return []
    const message =
      'The package index cannot be reached: check its address (PACKAGE_INDEX_URL, pip config list).'
    throw new PlatformError('UNAVAILABLE', message, { cause: error, retryAfterSeconds: 30 })
  }
}

/** What pip has to know of an index, and nothing else of this process's environment or of the host's configuration. */
const isolate = (url: string, certificates: string | null): NodeJS.ProcessEnv => ({
  PIP_CONFIG_FILE: '/dev/null',
  // Not an argument: those show in the host's process list, and an address may hold a password.
  PIP_INDEX_URL: url,
  ...(certificates !== null && { PIP_CERT: certificates }),
})

/**
 * Reads where packages come from.
 *
 * @param given - the index's address; when left out, what pip on this host is configured to use, by files or environment
 */
export const readPackageIndex = async (python: string, given?: string): Promise<PackageIndex> => {
  const text = await runCommand(python, ['-I', '-c', READ_OPTIONS], { timeoutMs: READ_TIMEOUT_MS })
  const configured = JSON.parse(text) as ConfiguredIndex
  const { certificates } = configured
  const { url, extraUrls } = given === undefined ? configured : { url: given, extraUrls: [] }
  const files = await findFileAddresses(python, given === undefined ? undefined : isolate(url, certificates))
  const hosts = [...new Set([url, ...extraUrls, ...files].map(hostOf))]
  return { url, extraUrls, hosts, ...(certificates === null ? {} : { certificates }) }
}
