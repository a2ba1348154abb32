/**
 * Tenants (companies) and their users.
 *
 * @module
 */
export { createMemberResolver, type Member } from './resolve-member.ts'
