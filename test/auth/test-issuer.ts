import {
  CompactSign,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { createTokenVerifier, type TokenVerifierOptions } from '../../shared/auth/index.ts'
import { closeServer, listenOn } from '../../shared/http/serve.ts'

export type SigningKey = { privateKey: CryptoKey; publicJwk: JWK; kid: string }

export const createKey = async (kid: string, alg = 'RS256'): Promise<SigningKey> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { privateKey, kid, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

export const AUDIENCE = 'mecapy-api'

/** An issuer that a test commands: what it publishes, what it says of tokens, whether it answers at all. */
export const startTestIssuer = async () => {
  const key = await createKey('key-1')
  const state = {
    published: [key.publicJwk],
    discovery: {} as Record<string, unknown>,
    away: false,
    active: true,
    keyRequests: 0,
  }
  const { port, server } = await listenOn(
    async (request) => {
      const { origin, pathname } = new URL(request.url)
      if (state.away) return new Response('away', { status: 502 })
      if (pathname === '/.well-known/openid-configuration') {
        return Response.json({
          issuer: origin,
          jwks_uri: `${origin}/keys`,
          introspection_endpoint: `${origin}/introspect`,
          ...state.discovery,
        })
      }
      if (pathname === '/keys') {
        state.keyRequests += 1
        return Response.json({ keys: state.published })
      }
      if (pathname === '/introspect') return Response.json({ active: state.active })
      return new Response(undefined, { status: 404 })
    },
    { hostname: '127.0.0.1', port: 0 },
  )
  const url = `http://127.0.0.1:${port}`
  const claims = (changes: Record<string, unknown> = {}): JWTPayload => ({
    iss: url,
    aud: AUDIENCE,
    sub: 'ada-id',
    preferred_username: 'ada',
    tenant: 'acme',
    typ: 'Bearer',
    iat: Math.floor(Date.now() / 1_000),
    exp: Math.floor(Date.now() / 1_000) + 300,
    ...changes,
  })
  return {
    url,
    key,
    state,
    claims,
    verifier: (options: Partial<TokenVerifierOptions> = {}) =>
      createTokenVerifier({
        issuer: url,
        audience: AUDIENCE,
        keys: { pauseMs: 20 },
        verifiedForMs: 0,
        ...options,
      }),
    sign: (
      changes: Record<string, unknown> = {},
      header: Partial<JWTHeaderParameters> = {},
      signer: CryptoKey | Uint8Array = key.privateKey,
    ) =>
      new SignJWT(claims(changes))
        .setProtectedHeader({ alg: 'RS256', kid: key.kid, typ: 'JWT', ...header })
        .sign(signer),
    /** Signs any bytes with any header: what `SignJWT` would refuse to make. */
    signBytes: (bytes: string, header: Partial<JWTHeaderParameters> = {}) =>
      new CompactSign(Buffer.from(bytes))
        .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
        .sign(key.privateKey),
    stop: () => closeServer(server, 0),
  }
}

export type TestIssuer = Awaited<ReturnType<typeof startTestIssuer>>

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token put together by hand, with whatever stands for its signature. */
export const forge = (header: object, payload: object, signature = ''): string =>
  `${encode(header)}.${encode(payload)}.${signature}`
