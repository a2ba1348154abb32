import { z } from 'zod'
import type { KeycloakServer } from '../services/keycloak.ts'

const Ids = z.array(z.object({ id: z.string() }))
const Role = z.object({ id: z.string(), name: z.string() })

const findOne = async (keycloak: KeycloakServer, path: string) => {
  const [first] = Ids.parse(await keycloak.admin('GET', path))
  if (!first) throw new Error(`nothing at ${path}`)
  return first.id
}

export const findClient = (keycloak: KeycloakServer, clientId: string) =>
  findOne(keycloak, `/clients?clientId=${clientId}`)

export type Person = { id: string; username: string; password: string }

/** Registers a person who can sign in at once. */
export const createPerson = async (
  keycloak: KeycloakServer,
  username: string,
  attributes: Record<string, string[]> = {},
): Promise<Person> => {
  const password = `password of ${username}`
  await keycloak.admin('POST', '/users', {
    username,
    enabled: true,
    email: `${username}@mecapy.test`,
    emailVerified: true,
    firstName: username,
    lastName: 'Test',
    attributes,
    credentials: [{ type: 'password', value: password, temporary: false }],
  })
  return { id: await findOne(keycloak, `/users?exact=true&username=${username}`), username, password }
}

export const grantRealmRole = async (keycloak: KeycloakServer, { id }: Person, name: string) => {
  const role = Role.parse(await keycloak.admin('GET', `/roles/${name}`))
  await keycloak.admin('POST', `/users/${id}/role-mappings/realm`, [role])
}

/** Creates a role of a client and gives it to a person. */
export const grantClientRole = async (
  keycloak: KeycloakServer,
  { id }: Person,
  clientId: string,
  name: string,
) => {
  const client = await findClient(keycloak, clientId)
  await keycloak.admin('POST', `/clients/${client}/roles`, { name })
  const role = Role.parse(await keycloak.admin('GET', `/clients/${client}/roles/${name}`))
  await keycloak.admin('POST', `/users/${id}/role-mappings/clients/${client}`, [role])
}

export const createOrganization = async (keycloak: KeycloakServer, alias: string, members: Person[]) => {
  const domains = [{ name: `${alias}.test`, verified: true }]
  await keycloak.admin('POST', '/organizations', { name: alias, alias, enabled: true, domains })
  const id = await findOne(keycloak, `/organizations?exact=true&search=${alias}`)
  for (const member of members) await keycloak.admin('POST', `/organizations/${id}/members`, member.id)
}

export const setTokenLifetime = async (keycloak: KeycloakServer, clientId: string, seconds: number) => {
  const id = await findClient(keycloak, clientId)
  const client = z.looseObject({ attributes: z.record(z.string(), z.string()) })
  const current = client.parse(await keycloak.admin('GET', `/clients/${id}`))
  await keycloak.admin('PUT', `/clients/${id}`, {
    ...current,
    attributes: { ...current.attributes, 'access.token.lifespan': String(seconds) },
  })
}
