import type { JWTPayload } from 'jose'
import { z } from 'zod'
import type { Identity } from './identity.ts'

export type ClaimNames = {
  /** The claim that names one company by its slug. */
  tenantClaim: string
  /** The claim in which Keycloak lists the organizations of a person. */
  organizationClaim: string
  /** The client whose `resource_access` roles count beside those of the realm. */
  rolesClient: string
}

const SLUG = /^[a-z0-9][a-z0-9-]{0,49}$/
const MAX_ORGANIZATIONS = 100
const MAX_ROLES = 200

/** PostgreSQL's text has no sign for NUL. */
const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\u0000'))

const Roles = z.object({ roles: z.array(z.string().max(255)).max(MAX_ROLES) })
const NoRoles = { roles: [] }
const Claims = z.object({
  sub: text(255).min(1),
  preferred_username: text(255).min(1).optional(),
  email: text(320).optional(),
  given_name: text(255).optional(),
  family_name: text(255).optional(),
  realm_access: Roles.catch(NoRoles),
  resource_access: z.record(z.string(), Roles.catch(NoRoles)).catch({}),
  sid: text(255).optional(),
  jti: text(255).optional(),
  iat: z.number().optional(),
})
// Keycloak gives a list of aliases, or an object by alias when ids or attributes are asked for.
const Organizations = z
  .union([
    z.string().transform((slug) => [slug]),
    z.array(z.string()),
    z.record(z.string(), z.unknown()).transform((byAlias) => Object.keys(byAlias)),
  ])
  .pipe(z.array(z.string().regex(SLUG)).max(MAX_ORGANIZATIONS))

const readOrganizations = (payload: JWTPayload, names: readonly string[]): string[] => {
  const claims = names.map((name) => payload[name]).filter((claim) => claim !== undefined && claim !== null)
  return [...new Set(claims.flatMap((claim) => Organizations.parse(claim)))]
}

/**
 * Who a verified token speaks of. A company that is named in a way we do not understand is a fault, not an absence:
 * what its bearer does must not land in another place.
 *
 * @throws {z.ZodError}
 */
export const readIdentity = (issuer: string, payload: JWTPayload, names: ClaimNames): Identity => {
  const claims = Claims.parse(payload)
  const clientRoles = Object.hasOwn(claims.resource_access, names.rolesClient)
    ? claims.resource_access[names.rolesClient]?.roles
    : undefined
  return {
    issuer,
    subject: claims.sub,
    username: claims.preferred_username ?? claims.sub,
    email: claims.email,
    givenName: claims.given_name,
    familyName: claims.family_name,
    organizations: readOrganizations(payload, [names.tenantClaim, names.organizationClaim]),
    roles: [...new Set([...claims.realm_access.roles, ...(clientRoles ?? [])])],
    session: claims.sid ?? claims.jti ?? String(claims.iat),
  }
}
