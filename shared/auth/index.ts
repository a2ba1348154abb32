/**
 * Who calls: OIDC bearer tokens, verified.
 *
 * @module
 */
export type { Identity, Role } from './identity.ts'
export { createTokenVerifier, type TokenVerifier, type TokenVerifierOptions } from './token-verifier.ts'
