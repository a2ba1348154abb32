import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTokenVerifier, type TokenVerifierOptions } from '../../shared/auth/index.ts'
import { type KeycloakServer, startKeycloak } from '../services/keycloak.ts'
import {
  createOrganization,
  createPerson,
  grantClientRole,
  grantRealmRole,
  type Person,
  setTokenLifetime,
} from './people.ts'
import {
  askForTokens,
  createPkce,
  fillInForm,
  openSignInPage,
  redeemCode,
  signInAsMachine,
  signInByBrowser,
  signInByPassword,
} from './sign-in.ts'

let keycloak: KeycloakServer
let ada: Person
beforeAll(async () => {
  keycloak = await startKeycloak()
  ada = await createPerson(keycloak, 'ada', { tenant: ['acme'] })
})
afterAll(() => keycloak.stop())

const AUDIENCE = 'mecapy-api'
const refused = { code: 'UNAUTHENTICATED' }
const createVerifier = (options: Partial<TokenVerifierOptions> = {}) =>
  createTokenVerifier({ issuer: keycloak.issuer, audience: AUDIENCE, verifiedForMs: 0, ...options })
const byPassword = (person: Person, scope?: string) =>
  signInByPassword(keycloak, person.username, person.password, scope)

describe('the realm file gives tokens that the platform takes', () => {
  test('by password, with what the API tells of a user', async () => {
    const { access_token: token } = await byPassword(ada)
    expect(decodeJwt(token)).toMatchObject({
      iss: keycloak.issuer,
      aud: expect.arrayContaining([AUDIENCE]),
      typ: 'Bearer',
      realm_access: { roles: expect.arrayContaining(['user']) },
    })
    expect(await createVerifier()(token)).toMatchObject({
      subject: ada.id,
      username: 'ada',
      email: 'ada@mecapy.test',
      givenName: 'ada',
      familyName: 'Test',
      organizations: ['acme'],
      roles: expect.arrayContaining(['user']),
    })
  })

  test('by browser with PKCE, without asking for a scope, for a working day', async () => {
    const { access_token: token, expires_in: seconds } = await signInByBrowser(keycloak, 'ada', ada.password)
    expect(seconds).toBe(8 * 3_600)
    expect(await createVerifier()(token)).toMatchObject({
      username: 'ada',
      email: 'ada@mecapy.test',
      organizations: ['acme'],
      roles: expect.arrayContaining(['user']),
    })
  })

  test('by client credentials, for no longer than a client may keep them unasked', async () => {
    const { access_token: token, expires_in: seconds } = await signInAsMachine(keycloak)
    expect(seconds).toBeLessThanOrEqual(60)
    expect(await createVerifier()(token)).toMatchObject({
      username: 'service-account-mecapy-m2m',
      organizations: [],
    })
  })

  test('discovery and keys are where the contract has them', async () => {
    const document = await fetch(`${keycloak.issuer}/.well-known/openid-configuration`)
    expect(await document.json()).toMatchObject({
      issuer: keycloak.issuer,
      jwks_uri: `${keycloak.issuer}/protocol/openid-connect/certs`,
      code_challenge_methods_supported: expect.arrayContaining(['S256']),
    })
  })
})

describe('the browser’s flow', () => {
  test.each([
    ['without a challenge', {}],
    ['with a plain challenge', { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' }],
    ['with a token in the address (implicit)', { ...createPkce().challenge, response_type: 'token' }],
  ])('%s is refused', async (_, parameters) => {
    const page = await openSignInPage(keycloak, parameters as Record<string, string>)
    expect(page.status).toBe(302)
    expect(page.headers.get('location')).toMatch(/[?#&]error=/)
  })

  test.each([
    'http://localhost:8090/callback',
    'http://localhost:8085/elsewhere',
    'https://evil.test/callback',
  ])('back to %s is refused', async (redirect_uri) => {
    const page = await openSignInPage(keycloak, { ...createPkce().challenge, redirect_uri })
    expect(page.status).toBe(400)
  })

  test('a stolen code is worth nothing without its verifier, and nothing a second time', async () => {
    const { verifier, challenge } = createPkce()
    const stolen = await fillInForm(keycloak, challenge, 'ada', ada.password)
    await expect(redeemCode(keycloak, stolen, createPkce().verifier)).rejects.toThrow('invalid_grant')
    const code = await fillInForm(keycloak, challenge, 'ada', ada.password)
    await redeemCode(keycloak, code, verifier)
    await expect(redeemCode(keycloak, code, verifier)).rejects.toThrow('invalid_grant')
  })
})

describe('other tokens of the same realm open nothing', () => {
  test('an ID token and a refresh token', async () => {
    const tokens = await byPassword(ada, 'openid')
    const verify = createVerifier()
    await expect(verify(tokens.access_token)).resolves.toBeTruthy()
    await expect(verify(tokens.id_token ?? 'none')).rejects.toMatchObject(refused)
    await expect(verify(tokens.refresh_token ?? 'none')).rejects.toMatchObject(refused)
  })

  test('a token of the realm `master`, and one for another audience', async () => {
    const { access_token: token } = await byPassword(ada)
    await expect(createVerifier({ audience: 'billing' })(token)).rejects.toMatchObject(refused)
    const master = { ...keycloak, issuer: keycloak.issuer.replace('/mecapy', '/master') }
    const admin = await askForTokens(master, {
      grant_type: 'password',
      client_id: 'admin-cli',
      username: 'admin',
      password: 'admin',
    })
    await expect(createVerifier()(admin.access_token)).rejects.toMatchObject(refused)
  })
})

describe('roles', () => {
  test('of the realm and of the API’s client count, those of another client do not', async () => {
    const olga = await createPerson(keycloak, 'olga')
    await grantRealmRole(keycloak, olga, 'admin')
    await grantClientRole(keycloak, olga, 'mecapy-m2m', 'operator')
    const verify = createVerifier()
    expect((await verify((await byPassword(olga)).access_token)).roles).toContain('admin')
    expect((await verify((await byPassword(olga)).access_token)).roles).not.toContain('operator')
    await grantClientRole(keycloak, olga, 'mecapy-api', 'operator')
    expect((await verify((await byPassword(olga)).access_token)).roles).toContain('operator')
  })
})

describe('companies', () => {
  test('a person cannot move to another company', async () => {
    const eve = await createPerson(keycloak, 'eve', { tenant: ['forge'] })
    const { access_token: token } = await signInByBrowser(keycloak, 'eve', eve.password)
    const account = `${keycloak.issuer}/account`
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      'content-type': 'application/json',
    }
    const current = (await (await fetch(account, { headers })).json()) as { attributes: object }
    const save = (body: object) => fetch(account, { method: 'POST', headers, body: JSON.stringify(body) })
    expect((await save(current)).status).toBe(204)
    const wish = { ...current, attributes: { ...current.attributes, tenant: ['acme'] } }
    const answer = await save(wish)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect((await createVerifier()((await byPassword(eve)).access_token)).organizations).toEqual(['forge'])
  })

  test('Keycloak’s organizations name them, too', async () => {
    const paul = await createPerson(keycloak, 'paul')
    const verify = createVerifier()
    expect((await verify((await byPassword(paul)).access_token)).organizations).toEqual([])
    await createOrganization(keycloak, 'spring', [paul])
    expect((await verify((await byPassword(paul)).access_token)).organizations).toEqual(['spring'])
    await createOrganization(keycloak, 'gear', [paul])
    const { access_token: both } = await byPassword(paul, 'organization:*')
    expect((await verify(both)).organizations.toSorted()).toEqual(['gear', 'spring'])
  })
})

describe('while the platform runs', () => {
  test('keys rotate without a restart, and a withdrawn key opens nothing', async () => {
    const verify = createVerifier({ keys: { freshMs: 200, pauseMs: 100 } })
    const { access_token: before } = await byPassword(ada)
    await expect(verify(before)).resolves.toBeTruthy()

    const keys = (await keycloak.admin('GET', '/components?type=org.keycloak.keys.KeyProvider')) as {
      id: string
      providerId: string
    }[]
    await keycloak.admin('POST', '/components', {
      name: 'rotated',
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      config: { priority: ['200'], algorithm: ['RS256'] },
    })
    const { access_token: after } = await byPassword(ada)
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid)
    await expect(verify(after)).resolves.toBeTruthy()
    await expect(verify(before)).resolves.toBeTruthy()

    for (const { id, providerId } of keys) {
      if (providerId === 'rsa-generated') await keycloak.admin('DELETE', `/components/${id}`)
    }
    await expect
      .poll(() => verify(before).catch((error: unknown) => error), { timeout: 10_000 })
      .toMatchObject(refused)
    await expect(verify(after)).resolves.toBeTruthy()
  })

  test('a disabled user gets no token, and loses the one in hand when the platform asks Keycloak', async () => {
    const dora = await createPerson(keycloak, 'dora')
    const tokens = await byPassword(dora)
    const introspection = { clientId: 'mecapy-api', clientSecret: keycloak.secrets.api }
    const verify = createVerifier({ introspection })
    await expect(verify(tokens.access_token)).resolves.toMatchObject({ username: 'dora' })

    await keycloak.admin('PUT', `/users/${dora.id}`, { enabled: false })
    await expect(byPassword(dora)).rejects.toThrow('Account disabled')
    await expect(
      askForTokens(keycloak, {
        grant_type: 'refresh_token',
        client_id: 'mecapy-api',
        client_secret: keycloak.secrets.api,
        refresh_token: tokens.refresh_token ?? '',
      }),
    ).rejects.toThrow('invalid_grant')
    await expect(verify(tokens.access_token)).rejects.toMatchObject(refused)
  })

  test('an expired token opens nothing', async () => {
    await setTokenLifetime(keycloak, 'mecapy-api', 1)
    const { access_token: token } = await byPassword(ada)
    await expect(createVerifier({ clockToleranceSeconds: 60 })(token)).resolves.toBeTruthy()
    const verify = createVerifier({ clockToleranceSeconds: 0 })
    await expect
      .poll(() => verify(token).catch((error: unknown) => error), { timeout: 10_000 })
      .toMatchObject(refused)
  })
})
