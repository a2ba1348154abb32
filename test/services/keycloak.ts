import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { KEYCLOAK_ADMIN, keycloakArguments, keycloakDir } from '../../setup/keycloak.mjs'
import { findFreePort } from '../../shared/http/serve.ts'

export type KeycloakServer = {
  url: string
  /** The `iss` of the realm's tokens. */
  issuer: string
  secrets: { api: string; m2m: string }
  /** Asks the administration API, at a path below the realm, and gives what it answered (`undefined`: nothing). */
  admin(method: string, path: string, body?: object | string): Promise<unknown>
  stop(): Promise<void>
}

const START_MS = 90_000
const REQUEST_MS = 15_000
const REALM = 'mecapy'
const realmFile = fileURLToPath(new URL('../../infra/keycloak/realm.json', import.meta.url))
const TokenAnswer = z.object({ access_token: z.string() })

const createHome = async () => {
  const home = await mkdtemp(join(tmpdir(), 'mecapy-keycloak-'))
  for (const name of ['lib', 'conf', 'providers', 'themes']) {
    await symlink(join(keycloakDir, name), join(home, name))
  }
  await mkdir(join(home, 'data/import'), { recursive: true })
  await cp(join(keycloakDir, 'data/h2'), join(home, 'data/h2'), { recursive: true })
  await cp(realmFile, join(home, 'data/import/realm.json'))
  return home
}

const waitUntilReady = async (issuer: string, child: ChildProcess, output: () => string) => {
  const deadline = performance.now() + START_MS
  const isReady = () =>
    fetch(`${issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(REQUEST_MS) }).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isReady())) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`Keycloak did not start:\n${output()}`)
    await delay(100)
  }
}

/** Starts a real Keycloak 26 on loopback with the realm file of this repository; it is up after about seven seconds. */
export const startKeycloak = async (): Promise<KeycloakServer> => {
  const home = await createHome()
  const port = await findFreePort()
  const url = `http://127.0.0.1:${port}`
  const issuer = `${url}/realms/${REALM}`
  const secrets = { api: randomBytes(24).toString('hex'), m2m: randomBytes(24).toString('hex') }
  const options = [
    ...['--optimized', '--import-realm', '--cache=local', '--hostname-strict=false', '--log-level=warn'],
    ...['--http-enabled=true', '--http-host=127.0.0.1', `--http-port=${port}`],
  ]
  const child = spawn('java', keycloakArguments(home, ['start', ...options]), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      MECAPY_API_CLIENT_SECRET: secrets.api,
      MECAPY_M2M_CLIENT_SECRET: secrets.m2m,
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-8_192)
    })
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await rm(home, { recursive: true, force: true })
  }

  let adminToken: { value: string; untilMs: number } | undefined
  const getAdminToken = async () => {
    if (adminToken && performance.now() < adminToken.untilMs) return adminToken.value
    const response = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...KEYCLOAK_ADMIN }),
      signal: AbortSignal.timeout(REQUEST_MS),
    })
    const { access_token: value } = TokenAnswer.parse(await response.json())
    adminToken = { value, untilMs: performance.now() + 30_000 }
    return value
  }

  try {
    await waitUntilReady(issuer, child, () => output)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url,
    issuer,
    secrets,
    stop,
    admin: async (method, path, body) => {
      const response = await fetch(`${url}/admin/realms/${REALM}${path}`, {
        method,
        headers: { authorization: `Bearer ${await getAdminToken()}`, 'content-type': 'application/json' },
        ...(body && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        signal: AbortSignal.timeout(REQUEST_MS),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    },
  }
}
