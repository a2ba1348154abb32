import { createMiddleware } from 'hono/factory'
import type { Identity, TokenVerifier } from '../../shared/auth/index.ts'
import { PlatformError } from '../../shared/errors.ts'
import type { Member } from '../../shared/tenants/index.ts'
import type { GatewayEnv } from './app.ts'

/** Lets nobody past without a valid bearer token, and says who it is. */
export const authenticate = (
  verifyToken: TokenVerifier,
  resolveMember: (identity: Identity) => Promise<Member>,
) =>
  createMiddleware<GatewayEnv>(async (c, next) => {
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    if (!token) throw new PlatformError('UNAUTHENTICATED', 'Invalid authentication credentials')
    const identity = await verifyToken(token)
    c.set('identity', identity)
    c.set('member', await resolveMember(identity))
    await next()
  })
