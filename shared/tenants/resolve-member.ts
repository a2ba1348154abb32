import type { Identity } from '../auth/index.ts'
import type { Sql } from '../database/index.ts'
import { PlatformError } from '../errors.ts'
import { createId } from '../id.ts'

/** A user acting for a tenant, by our own ids. */
export type Member = { tenantId: string; userId: string }

const MAX_CACHED_MEMBERS = 10_000

const upsertMember = async (sql: Sql, identity: Identity): Promise<Member> => {
  const [slug] = identity.organizations
  if (slug === undefined) throw new PlatformError('PERMISSION_DENIED', 'PermissionDenied: no organization.')
  const [row] = await sql<[Member]>`
    with tenant as (
      insert into tenants (id, slug)
      values (${createId()}, ${slug})
      on conflict (slug) do update set slug = excluded.slug
      returning id
    ), person as (
      insert into users (id, issuer, subject, username)
      values (${createId()}, ${identity.issuer}, ${identity.subject}, ${identity.username})
      on conflict (issuer, subject) do update set username = excluded.username
      returning id
    )
    select tenant.id as "tenantId", person.id as "userId" from tenant, person`
  return row
}

/** Finds our ids for a verified identity; a tenant or user seen for the first time is recorded. */
export const createMemberResolver = (sql: Sql) => {
  const cache = new Map<string, Promise<Member>>()
  return (identity: Identity): Promise<Member> => {
    const key = JSON.stringify([identity.organizations, identity.issuer, identity.subject, identity.username])
    const known = cache.get(key)
    if (known) return known
    const oldest = cache.keys().next()
    if (cache.size >= MAX_CACHED_MEMBERS && !oldest.done) cache.delete(oldest.value)
    const member = upsertMember(sql, identity)
    cache.set(key, member)
    member.catch(() => cache.delete(key))
    return member
  }
}
