import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import { PlatformError } from '../errors.ts'
import type { Identity, Role } from './index.ts'

export type TokenVerifierOptions = {
  /** Exactly the `iss` of a token; discovery happens below it. */
  issuer: string
  audience: string
  /** The claim that names the tenant's slug. */
  tenantClaim: string
  clockToleranceSeconds?: number
}

export type TokenVerifier = (token: string) => Promise<Identity>

/** Asymmetric only: `none` and the HS family are never accepted, whatever a token's header asks for. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const DISCOVERY_TIMEOUT_MS = 5_000
const VERIFIED_FOR_MS = 30_000
const MAX_VERIFIED_TOKENS = 10_000
const MAX_TOKEN_CHARACTERS = 16_384
const ROLES: ReadonlySet<string> = new Set<Role>(['user', 'admin', 'operator'])
const SLUG = /^[a-z0-9][a-z0-9-]{0,49}$/

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })

const discoverKeys = async (issuer: string) => {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const response = await fetch(url, { signal: AbortSignal.timeout(DISCOVERY_TIMEOUT_MS), redirect: 'error' })
  if (!response.ok) throw new Error(`discovery at ${url} answered ${response.status}`)
  const document = Discovery.parse(await response.json())
  if (document.issuer !== issuer) throw new Error(`discovery at ${url} speaks for another issuer`)
  return createRemoteJWKSet(new URL(document.jwks_uri), {
    timeoutDuration: DISCOVERY_TIMEOUT_MS,
    [customFetch]: (input, init) => fetch(input, { ...init, redirect: 'error' }),
  })
}

const readRoles = (payload: JWTPayload): Role[] => {
  const claim = z.object({ roles: z.array(z.string()) }).safeParse(payload['realm_access'])
  return claim.success ? (claim.data.roles.filter((role) => ROLES.has(role)) as Role[]) : []
}

const unauthenticated = (cause?: unknown) =>
  new PlatformError('UNAUTHENTICATED', 'Invalid authentication credentials', { cause })

/**
 * Verifies access tokens of one issuer: signature by its published keys (found by OIDC discovery, cached, refetched
 * when a new key id appears), issuer and audience to the letter, expiry and not-before.
 *
 * @throws `UNAUTHENTICATED` for every fault of a token, always with the same words; `UNAVAILABLE` when the issuer is away
 */
export const createTokenVerifier = (options: TokenVerifierOptions): TokenVerifier => {
  let keys: ReturnType<typeof discoverKeys> | undefined
  const getKeys = () => {
    keys ??= discoverKeys(options.issuer).catch((cause: unknown) => {
      keys = undefined
      throw new PlatformError('UNAVAILABLE', 'The identity provider cannot be reached: try again shortly.', {
        cause,
        retryAfterSeconds: 5,
      })
    })
    return keys
  }

  const verify = async (token: string) => {
    const { payload } = await jwtVerify(token, await getKeys(), {
      algorithms: ALGORITHMS,
      issuer: options.issuer,
      audience: options.audience,
      clockTolerance: options.clockToleranceSeconds ?? 5,
      requiredClaims: ['exp', 'sub'],
    }).catch((cause: unknown) => {
      if (cause instanceof errors.JWKSTimeout || !(cause instanceof errors.JOSEError)) {
        throw new PlatformError(
          'UNAVAILABLE',
          'The identity provider cannot be reached: try again shortly.',
          {
            cause,
            retryAfterSeconds: 5,
          },
        )
      }
      throw unauthenticated(cause)
    })
    const tenant = payload[options.tenantClaim]
    const username = payload['preferred_username'] ?? payload.sub
    if (typeof tenant !== 'string' || !SLUG.test(tenant) || typeof username !== 'string' || !payload.sub) {
      throw unauthenticated()
    }
    const identity: Identity = {
      issuer: options.issuer,
      subject: payload.sub,
      username,
      tenant,
      roles: readRoles(payload),
    }
    return { identity, expiresAtMs: (payload.exp ?? 0) * 1_000 }
  }

  // A client sends the same token many times a second; its signature is checked once in a while.
  const verified = new Map<string, { identity: Identity; untilMs: number }>()
  return async (token) => {
    if (token.length > MAX_TOKEN_CHARACTERS) throw unauthenticated()
    const known = verified.get(token)
    if (known && Date.now() < known.untilMs) return known.identity
    const { identity, expiresAtMs } = await verify(token)
    if (verified.size >= MAX_VERIFIED_TOKENS) verified.clear()
    verified.set(token, { identity, untilMs: Math.min(expiresAtMs, Date.now() + VERIFIED_FOR_MS) })
    return identity
  }
}
