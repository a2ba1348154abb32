/**
 * Who calls: OIDC bearer tokens, verified.
 *
 * @module
 */
export { createTokenVerifier, type TokenVerifier, type TokenVerifierOptions } from './token-verifier.ts'

/** The roles that the API knows; a token may hold others, which mean nothing here. */
export type Role = 'user' | 'admin' | 'operator'

/** What a valid token says about its bearer. */
export type Identity = {
  issuer: string
  subject: string
  username: string
  /** The slug of the company that the token was issued for. */
  tenant: string
  roles: readonly Role[]
}
