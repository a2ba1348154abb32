/**
 * Says which peers, in which versions, a run of the peer tests is made against.
 *
 * @module
 */
import { DEBIAN_PACKAGES } from '../../setup/debian-packages.mjs'
import { GO_TOOLS, goToolPath } from '../../setup/go-tools.mjs'
import { KEYCLOAK, keycloak } from '../../setup/keycloak.mjs'
import { findCommand, isExecutable } from '../../setup/paths.mjs'
import { run } from '../../setup/run.mjs'

type Peer = { name: string; path: string | undefined; readVersion(path: string): Promise<string> }

const peers: Peer[] = [
  ...DEBIAN_PACKAGES.map(({ name, command }) => ({
    name,
    path: findCommand(command),
    readVersion: (path: string) => run(path, ['--version'], { timeoutMs: 10_000 }),
  })),
  // A program built by `go install` does not know its own version; its file is named after it.
  ...Object.entries(GO_TOOLS).map(([name, { version }]) => ({
    name,
    path: [goToolPath(name)].find(isExecutable),
    readVersion: async () => version,
  })),
  {
    name: 'keycloak',
    path: keycloak.isReady() ? findCommand('java') : undefined,
    readVersion: async (java) =>
      `${KEYCLOAK.version} on ${await run(java, ['--version'], { timeoutMs: 10_000 })}`,
  },
]

export default async (): Promise<void> => {
  const missing = peers.filter(({ path }) => path === undefined).map(({ name }) => name)
  if (missing.length > 0)
    throw new Error(`peers are missing: ${missing.join(', ')}; \`npm run setup -- --peers\` installs them`)
  for (const { name, path = '', readVersion } of peers) {
    const version = await readVersion(path)
    console.log(`peer  ${name}: ${version.trim().split('\n')[0]}`)
  }
}
