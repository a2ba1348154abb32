import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import type { Role } from '../shared/auth/index.ts'
import { closeServer, listenOn } from '../shared/http/serve.ts'

/** The audience that the local gateway asks for; the same default as in production. */
const AUDIENCE = 'mecapy-api'
const ALGORITHM = 'EdDSA'
const TOKEN_LIFETIME = '12h'
const STOP_GRACE_MS = 1_000

export type TokenRequest = { tenant: string; user: string; roles: readonly Role[] }

const keyPath = (dataDirectory: string) => join(dataDirectory, 'issuer-key.json')

const ensureKey = async (dataDirectory: string): Promise<JWK> => {
  const path = keyPath(dataDirectory)
  const known = await readFile(path, 'utf8').catch(() => undefined)
  if (known !== undefined) return JSON.parse(known) as JWK
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true })
  const key = { ...(await exportJWK(privateKey)), alg: ALGORITHM, kid: crypto.randomUUID(), use: 'sig' }
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  await writeFile(path, JSON.stringify(key), { mode: 0o600 })
  return key
}

/**
 * An OIDC issuer for a stack on this machine: discovery and keys over HTTP on loopback, so that the gateway verifies
 * tokens in the way it does in production. Its private key never leaves the data folder.
 */
export const startIssuer = async (dataDirectory: string) => {
  const { d: _private, ...publicKey } = await ensureKey(dataDirectory)
  const { port, server } = await listenOn(
    (request) => {
      const { origin, pathname } = new URL(request.url)
      if (pathname === '/.well-known/openid-configuration') {
        return Response.json({ issuer: origin, jwks_uri: `${origin}/keys` })
      }
      if (pathname === '/keys') return Response.json({ keys: [publicKey] })
      return new Response(undefined, { status: 404 })
    },
    { hostname: '127.0.0.1', port: 0 },
  )
  return { url: `http://127.0.0.1:${port}`, stop: () => closeServer(server, STOP_GRACE_MS) }
}

/** An access token such as Keycloak would issue, signed with the local issuer's key. */
export const issueToken = async (
  dataDirectory: string,
  issuer: string,
  request: TokenRequest,
): Promise<string> => {
  const key = await importJWK(JSON.parse(await readFile(keyPath(dataDirectory), 'utf8')) as JWK, ALGORITHM)
  return await new SignJWT({
    preferred_username: request.user,
    tenant: request.tenant,
    realm_access: { roles: [...request.roles] },
  })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setIssuer(issuer)
    .setSubject(request.user)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(TOKEN_LIFETIME)
    .sign(key)
}
