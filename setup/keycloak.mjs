import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { installDebianPackages } from './debian-packages.mjs'
import { cacheDir, findCommand } from './paths.mjs'
import { run } from './run.mjs'

export const KEYCLOAK = {
  version: '26.4.7',
  sha256: 'dd9834c023460be856f731423d86228c23b5d002194a2064642bec0cc6573eaa',
}
/** Of the realm `master` in a server that listens on loopback while a test runs. */
export const KEYCLOAK_ADMIN = { username: 'admin', password: 'admin' }

/** Where Keycloak is once it is installed, with a database that has its schema and the administrator. */
export const keycloakDir = join(cacheDir, `keycloak-${KEYCLOAK.version}`)

const COMMANDS = { java: 'default-jre-headless', mvn: 'maven' }
const DOWNLOAD_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
const TIMEOUT_MS = 10 * 60_000

/**
 * Java's arguments for a Keycloak command. It is started as its own script does, but for a small heap and a quick start,
 * and without the shell that would stand between us and the process.
 *
 * @param {string} home - `lib`, `conf`, `providers` and `themes` of the distribution, and the folder `data`
 * @param {string[]} command
 */
export const keycloakArguments = (home, command) => [
  ...['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
  `-Dkc.home.dir=${home}`,
  `-Djboss.server.config.dir=${home}/conf`,
  ...['util', 'util.concurrent', 'security'].map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
  ...['-cp', join(home, 'lib/quarkus-run.jar')],
  'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
  ...command,
]

/** @param {string} path */
const sha256Of = async (path) => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

const install = async () => {
  const absent = Object.entries(COMMANDS).filter(([command]) => !findCommand(command))
  if (absent.length > 0) await installDebianPackages(absent.map(([, name]) => name))
  const [java = '', mvn = '', python = ''] = ['java', 'mvn', 'python3'].map(findCommand)
  await mkdir(cacheDir, { recursive: true })
  const folder = await mkdtemp(join(cacheDir, '.keycloak-'))
  try {
    // Maven keeps what it downloads; here it keeps it in a folder that goes.
    const options = ['--quiet', '--batch-mode', `-Dmaven.repo.local=${join(folder, 'maven')}`]
    const artifact = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK.version}:zip`
    const target = `-DoutputDirectory=${folder}`
    await run(mvn, [...options, DOWNLOAD_PLUGIN, `-Dartifact=${artifact}`, target], { timeoutMs: TIMEOUT_MS })
    const archive = join(folder, `keycloak-quarkus-dist-${KEYCLOAK.version}.zip`)
    const sha256 = await sha256Of(archive)
    if (sha256 !== KEYCLOAK.sha256)
      throw new Error(`${artifact} has the SHA-256 ${sha256}, not ${KEYCLOAK.sha256}`)
    await run(python, ['-m', 'zipfile', '-e', archive, folder], { timeoutMs: TIMEOUT_MS })

    const home = join(folder, `keycloak-${KEYCLOAK.version}`)
    const keycloak = (/** @type {string[]} */ ...command) =>
      run(java, keycloakArguments(home, command), {
        timeoutMs: TIMEOUT_MS,
        env: { PASSWORD: KEYCLOAK_ADMIN.password },
      })
    await keycloak('build', '--db=dev-file')
    await keycloak(
      ...['bootstrap-admin', 'user', '--optimized', '--username', KEYCLOAK_ADMIN.username],
      ...['--password:env', 'PASSWORD'],
    )
    await access(join(home, 'data/h2/keycloakdb.mv.db'))
    await rename(home, keycloakDir).catch(async (/** @type {unknown} */ error) => {
      // Another clone's set-up was quicker.
      if (!isInstalled()) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const isInstalled = () => existsSync(join(keycloakDir, 'data/h2/keycloakdb.mv.db'))

/** @type {import('./setup.mjs').Part} */
export const keycloak = {
  name: `Keycloak ${KEYCLOAK.version}`,
  describe: () => 'the identity provider of production, with Maven',
  isReady: () => findCommand('java') !== undefined && isInstalled(),
  install,
}
