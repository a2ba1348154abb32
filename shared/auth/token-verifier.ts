import { createHash } from 'node:crypto'
import { errors, type JWTHeaderParameters, type JWTPayload, jwtVerify } from 'jose'
import { PlatformError } from '../errors.ts'
import { discover, type Endpoints, providerAway } from './discover.ts'
import type { Identity } from './identity.ts'
import { createIssuerKeys, type IssuerKeysOptions } from './issuer-keys.ts'
import { readIdentity } from './read-identity.ts'
import { type IntrospectionClient, introspect } from './token-introspection.ts'

export type TokenVerifierOptions = {
  /** Exactly the `iss` of a token; discovery happens below it. */
  issuer: string
  /** Must be in a token's `aud`; the client of this name also gives roles. */
  audience: string
  /** The claim that names the tenant's slug. */
  tenantClaim?: string
  organizationClaim?: string
  clockToleranceSeconds?: number
  /** Asks the issuer about each token once in a while. Without it a token holds until it expires. */
  introspection?: IntrospectionClient
  keys?: IssuerKeysOptions
  /** How long what was found out about a token is believed. */
  verifiedForMs?: number
}

export type TokenVerifier = (token: string) => Promise<Identity>

/** Asymmetric only: `none` and the HS family are never accepted, whatever a token's header asks for. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
/** An ID, refresh or logout token of the same issuer is signed with the same keys and opens nothing. */
const TOKEN_TYPES = ['jwt', 'at+jwt', 'application/at+jwt']
const KEYCLOAK_TYPE = 'Bearer'
const VERIFIED_FOR_MS = 30_000
/** While the issuer does not answer, a token that it has confirmed so recently is believed. */
const CONFIRMED_FOR_MS = 10 * 60_000
const MAX_VERIFIED_TOKENS = 10_000
const MAX_TOKEN_CHARACTERS = 16_384

type Verified = { identity: Identity; expiresAtMs: number; checkedAtMs: number; confirmedAtMs: number }

const unauthenticated = (cause?: unknown) =>
  new PlatformError('UNAUTHENTICATED', 'Invalid authentication credentials', { cause })

const checkType = (header: JWTHeaderParameters, payload: JWTPayload) => {
  const isAccessToken =
    (header.typ === undefined || TOKEN_TYPES.includes(header.typ.toLowerCase())) &&
    (payload['typ'] === undefined || payload['typ'] === KEYCLOAK_TYPE)
  if (!isAccessToken) throw unauthenticated()
}

/**
 * Verifies access tokens of one issuer: signature by its published keys (see `createIssuerKeys`), algorithm from a
 * list, issuer and audience to the letter, expiry and not-before, and that it is an access token at all.
 *
 * @throws `UNAUTHENTICATED` for every fault of a token, always with the same words; `UNAVAILABLE` when the issuer is away
 */
export const createTokenVerifier = (options: TokenVerifierOptions): TokenVerifier => {
  const { issuer, audience, introspection, verifiedForMs = VERIFIED_FOR_MS } = options
  const claimNames = {
    tenantClaim: options.tenantClaim ?? 'tenant',
    organizationClaim: options.organizationClaim ?? 'organization',
    rolesClient: audience,
  }
  let discovered: Promise<Endpoints> | undefined
  const getEndpoints = () => {
    discovered ??= discover(issuer).catch((error: unknown) => {
      discovered = undefined
      throw error
    })
    return discovered
  }
  const findKey = createIssuerKeys(async () => (await getEndpoints()).keys, options.keys)

  const verify = async (token: string) => {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, findKey, {
        algorithms: ALGORITHMS,
        issuer,
        audience,
        clockTolerance: options.clockToleranceSeconds ?? 5,
        requiredClaims: ['exp', 'sub'],
      })
      checkType(protectedHeader, payload)
      const identity = readIdentity(issuer, payload, claimNames)
      return { identity, expiresAtMs: (payload.exp ?? 0) * 1_000 }
    } catch (error) {
      if (error instanceof PlatformError) throw error
      // What the issuer publishes is not a token's fault.
      throw error instanceof errors.JWKSInvalid ? providerAway(error) : unauthenticated(error)
    }
  }

  /** When the issuer has last said that the token holds: now, or before it went away. */
  const confirm = async (token: string, confirmedAtMs: number): Promise<number> => {
    if (!introspection) return Date.now()
    try {
      const endpoints = await getEndpoints()
      if (!endpoints.introspection) throw new Error(`${issuer} names no introspection endpoint`)
      if (await introspect(endpoints.introspection, introspection, token)) return Date.now()
    } catch (error) {
      if (Date.now() < confirmedAtMs + CONFIRMED_FOR_MS) return confirmedAtMs
      throw providerAway(error)
    }
    throw unauthenticated()
  }

  // A client sends the same token many times a second; it is looked at once in a while. Kept by digest: a dump of
  // this process's memory holds no tokens but those in flight.
  const verified = new Map<string, Verified>()
  return async (token) => {
    if (token.length > MAX_TOKEN_CHARACTERS) throw unauthenticated()
    const digest = createHash('sha256').update(token).digest('base64')
    const known = verified.get(digest)
    const checkedAtMs = Date.now()
    if (known && checkedAtMs < Math.min(known.expiresAtMs, known.checkedAtMs + verifiedForMs)) {
      return known.identity
    }
    const found = await verify(token)
    const confirmedAtMs = await confirm(token, known?.confirmedAtMs ?? 0)
    const oldest = verified.keys().next()
    if (verified.size >= MAX_VERIFIED_TOKENS && !oldest.done) verified.delete(oldest.value)
    verified.delete(digest)
    verified.set(digest, { ...found, checkedAtMs, confirmedAtMs })
    return found.identity
  }
}
