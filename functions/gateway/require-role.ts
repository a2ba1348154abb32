import { createMiddleware } from 'hono/factory'
import type { Role } from '../../shared/auth/index.ts'
import { PlatformError } from '../../shared/errors.ts'
import type { GatewayEnv } from './app.ts'

/** Lets only bearers of a role past; stands behind `authenticate`. */
export const requireRole = (role: Role) =>
  createMiddleware<GatewayEnv>(async (c, next) => {
    if (!c.get('identity').roles.includes(role)) {
      throw new PlatformError('PERMISSION_DENIED', `PermissionDenied: this is for the role "${role}".`)
    }
    await next()
  })
