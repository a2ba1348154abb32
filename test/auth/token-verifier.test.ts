import { createHmac } from 'node:crypto'
import { type CryptoKey, exportSPKI, importJWK, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createKey, forge, startTestIssuer, type TestIssuer } from './test-issuer.ts'

let issuer: TestIssuer
beforeAll(async () => {
  issuer = await startTestIssuer()
})
beforeEach(() => {
  Object.assign(issuer.state, {
    published: [issuer.key.publicJwk],
    discovery: {},
    away: false,
    active: true,
    keyRequests: 0,
  })
})
afterAll(() => issuer.stop())

const now = () => Math.floor(Date.now() / 1_000)
const refused = { code: 'UNAUTHENTICATED', message: 'Invalid authentication credentials' }
const away = { code: 'UNAVAILABLE' }

describe('what a token says', () => {
  test('its user, company and roles are read', async () => {
    const token = await issuer.sign({
      email: 'ada@acme.test',
      given_name: 'Ada',
      realm_access: { roles: ['user', 'admin'] },
      sid: 'session-1',
    })
    expect(await issuer.verifier()(token)).toMatchObject({
      issuer: issuer.url,
      subject: 'ada-id',
      username: 'ada',
      email: 'ada@acme.test',
      givenName: 'Ada',
      organizations: ['acme'],
      roles: ['user', 'admin'],
      session: 'session-1',
    })
  })

  test('roles of the API’s own client count, those of another client do not', async () => {
    const resource_access = { 'mecapy-api': { roles: ['admin'] }, billing: { roles: ['operator'] } }
    const identity = await issuer.verifier()(await issuer.sign({ resource_access }))
    expect(identity.roles).toEqual(['admin'])
  })

  test.each([
    ['a list', ['forge', 'acme'], ['acme', 'forge']],
    ['an object by alias', { forge: { id: 'x' } }, ['acme', 'forge']],
    ['nothing', undefined, ['acme']],
  ])('Keycloak’s organizations may be %s', async (_, organization, expected) => {
    const identity = await issuer.verifier()(await issuer.sign({ organization }))
    expect(identity.organizations.toSorted()).toEqual(expected)
  })

  test('the claim that names the company is configuration', async () => {
    const token = await issuer.sign({ 'https://mecapy.test/company': 'forge', tenant: undefined })
    const verify = issuer.verifier({ tenantClaim: 'https://mecapy.test/company' })
    expect((await verify(token)).organizations).toEqual(['forge'])
    expect((await issuer.verifier()(token)).organizations).toEqual([])
  })

  test.each([
    ['not a slug', '../acme'],
    ['a number', 7],
    ['an empty text', ''],
    ['in capitals', 'ACME'],
  ])('a company that is %s is refused instead of ignored', async (_, tenant) => {
    await expect(issuer.verifier()(await issuer.sign({ tenant }))).rejects.toMatchObject(refused)
  })

  test.each(['RS256', 'PS512', 'ES256', 'ES384', 'EdDSA'])('%s is accepted', async (alg) => {
    const key = await createKey(`key-${alg}`, alg)
    issuer.state.published = [issuer.key.publicJwk, key.publicJwk]
    const token = await issuer.sign({}, { alg, kid: key.kid }, key.privateKey)
    await expect(issuer.verifier()(token)).resolves.toMatchObject({ subject: 'ada-id' })
  })
})

describe('time', () => {
  test.each([
    ['expired within the tolerance', { exp: -3 }, true],
    ['expired beyond it', { exp: -8 }, false],
    ['not yet valid within the tolerance', { nbf: 3 }, true],
    ['not yet valid beyond it', { nbf: 30 }, false],
  ])('a token %s', async (_, offsets, accepted) => {
    const times = Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, now() + offset]))
    const verified = issuer.verifier()(await issuer.sign(times))
    await (accepted
      ? expect(verified).resolves.toBeTruthy()
      : expect(verified).rejects.toMatchObject(refused))
  })

  test('a token that was good is refused once it has expired, though it is remembered', async () => {
    const verify = issuer.verifier({ verifiedForMs: 60_000, clockToleranceSeconds: 0 })
    const token = await issuer.sign({ exp: now() + 1 })
    await expect(verify(token)).resolves.toBeTruthy()
    await expect
      .poll(() => verify(token).catch((error: unknown) => error), { timeout: 3_000 })
      .toMatchObject(refused)
  })
})

describe('a hostile token is refused, always in the same words', () => {
  const attacks: Record<string, () => string | Promise<string>> = {
    'with the algorithm none': () => new UnsecuredJWT(issuer.claims()).encode(),
    'with the algorithm nOnE and a signature': () =>
      forge({ alg: 'nOnE', typ: 'JWT' }, issuer.claims(), 'AAAA'),
    'signed as HS256 with the public key for a secret': async () => {
      const pem = await exportSPKI((await importJWK(issuer.key.publicJwk, 'RS256')) as CryptoKey)
      const unsigned = forge({ alg: 'HS256', kid: issuer.key.kid, typ: 'JWT' }, issuer.claims()).slice(0, -1)
      return `${unsigned}.${createHmac('sha256', pem).update(unsigned).digest('base64url')}`
    },
    'signed as HS256 with an empty secret': () => {
      const unsigned = forge({ alg: 'HS256', typ: 'JWT' }, issuer.claims()).slice(0, -1)
      return `${unsigned}.${createHmac('sha256', '').update(unsigned).digest('base64url')}`
    },
    'by a stranger under our key’s id': async () => {
      const stranger = await createKey(issuer.key.kid)
      return issuer.sign({}, {}, stranger.privateKey)
    },
    'that brings its own key along (jwk)': async () => {
      const stranger = await createKey('own')
      return issuer.sign({}, { jwk: stranger.publicJwk, kid: 'own' } as never, stranger.privateKey)
    },
    'that says where its key is (jku)': async () => {
      const stranger = await createKey('own')
      const other = await startTestIssuer()
      other.state.published = [stranger.publicJwk]
      const token = await issuer.sign({}, { jku: `${other.url}/keys`, kid: 'own' }, stranger.privateKey)
      await expect(issuer.verifier()(token)).rejects.toMatchObject(refused)
      expect(other.state.keyRequests).toBe(0)
      await other.stop()
      return token
    },
    'with a certificate of its own (x5c, x5u)': async () => {
      const stranger = await createKey(issuer.key.kid)
      return issuer.sign({}, { x5u: 'http://127.0.0.1:1/cert', x5c: ['MIIB'] }, stranger.privateKey)
    },
    'whose kid is a path': () => issuer.sign({}, { kid: '../../../../dev/null' }),
    'whose kid is SQL': () => issuer.sign({}, { kid: "' union select 'secret' --" }),
    'whose kid is an object': () => forge({ alg: 'RS256', kid: { $ne: null } }, issuer.claims(), 'AAAA'),
    'with a critical extension that we do not know': () =>
      forge({ alg: 'RS256', kid: issuer.key.kid, crit: ['exp2'], exp2: 1 }, issuer.claims(), 'AAAA'),
    'of another issuer': () => issuer.sign({ iss: 'https://elsewhere.test' }),
    'whose issuer has a slash more': () => issuer.sign({ iss: `${issuer.url}/` }),
    'whose issuer only begins like ours': () => issuer.sign({ iss: `${issuer.url}.evil.test` }),
    'without an issuer': () => issuer.sign({ iss: undefined }),
    'for another audience': () => issuer.sign({ aud: 'billing' }),
    'whose audience only begins like ours': () => issuer.sign({ aud: ['mecapy-api-public'] }),
    'without an audience': () => issuer.sign({ aud: undefined }),
    'without an expiry': () => issuer.sign({ exp: undefined }),
    'without a subject': () => issuer.sign({ sub: undefined }),
    'with an empty subject': () => issuer.sign({ sub: '' }),
    'that is an ID token': () => issuer.sign({ typ: 'ID' }),
    'that is a refresh token': () => issuer.sign({ typ: 'Refresh' }),
    'that is a logout token': () => issuer.sign({ typ: undefined }, { typ: 'logout+jwt' }),
    'whose expiry is text': () => issuer.signBytes(JSON.stringify({ ...issuer.claims(), exp: '9999999999' })),
    'whose claims are a list': () => issuer.signBytes('[]'),
    'whose claims are not JSON': () => issuer.signBytes('{'),
    'with a signature cut short': async () => (await issuer.sign()).slice(0, -8),
    'with other claims under an old signature': async () => {
      const [header, , signature] = (await issuer.sign()).split('.')
      const claims = Buffer.from(JSON.stringify(issuer.claims({ tenant: 'forge' }))).toString('base64url')
      return `${header}.${claims}.${signature}`
    },
    'of four parts': async () => `${await issuer.sign()}.AAAA`,
    'of five parts (encrypted)': () => 'eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d',
    'that is empty': () => '',
    'that is too long': () => issuer.sign({ padding: 'x'.repeat(16_384) }),
    'with a thousand companies': () =>
      issuer.sign({ organization: Array.from({ length: 1_000 }, (_, i) => `c${i}`) }),
  }
  test.each(Object.entries(attacks))('%s', async (_, make) => {
    await expect(issuer.verifier()(await make())).rejects.toMatchObject(refused)
  })
})

describe('keys', () => {
  test('a rotation works at once, and the old key as long as it is published', async () => {
    const verify = issuer.verifier()
    const old = await issuer.sign()
    await verify(old)
    const next = await createKey('key-2')
    issuer.state.published = [next.publicJwk, issuer.key.publicJwk]
    await expect(verify(await issuer.sign({}, { kid: 'key-2' }, next.privateKey))).resolves.toBeTruthy()
    await expect(verify(old)).resolves.toBeTruthy()
  })

  test('a withdrawn key opens nothing once the known keys are no longer fresh', async () => {
    const verify = issuer.verifier({ keys: { freshMs: 50, pauseMs: 10 } })
    const token = await issuer.sign()
    await verify(token)
    issuer.state.published = [(await createKey('key-2')).publicJwk]
    await expect.poll(() => verify(token).catch((error: unknown) => error)).toMatchObject(refused)
  })

  test('many tokens with keys that nobody knows cost few requests', async () => {
    const verify = issuer.verifier({ keys: { pauseMs: 200 } })
    await verify(await issuer.sign())
    const strangers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => issuer.sign({}, { kid: `k${i}` })),
    )
    await Promise.all(strangers.map((token) => expect(verify(token)).rejects.toMatchObject(refused)))
    expect(issuer.state.keyRequests).toBeLessThanOrEqual(3)
  })

  test('while the issuer is away its last known keys hold, and an unknown key is nobody’s fault', async () => {
    const verify = issuer.verifier({ keys: { freshMs: 1, pauseMs: 1 } })
    const token = await issuer.sign()
    await verify(token)
    issuer.state.away = true
    await expect(verify(token)).resolves.toBeTruthy()
    await expect(verify(await issuer.sign({}, { kid: 'new' }))).rejects.toMatchObject(away)
  })

  test('without any keys nobody is let in, and everybody once the issuer is back', async () => {
    const verify = issuer.verifier()
    issuer.state.away = true
    await expect(verify(await issuer.sign())).rejects.toMatchObject(away)
    issuer.state.away = false
    await expect(verify(await issuer.sign())).resolves.toBeTruthy()
  })

  test.each([
    ['speaks for another issuer', { issuer: 'https://elsewhere.test' }],
    ['names keys that are no URL', { jwks_uri: 'file:///etc/passwd' }],
  ])('a discovery document that %s is not followed', async (_, discovery) => {
    issuer.state.discovery = discovery
    await expect(issuer.verifier()(await issuer.sign())).rejects.toMatchObject(away)
    expect(issuer.state.keyRequests).toBe(0)
  })
})

describe('introspection', () => {
  const introspection = { clientId: 'mecapy-api', clientSecret: 'secret' }

  test('a token that its issuer has taken back is refused at the next look', async () => {
    const verify = issuer.verifier({ introspection })
    const token = await issuer.sign()
    await expect(verify(token)).resolves.toBeTruthy()
    issuer.state.active = false
    await expect(verify(token)).rejects.toMatchObject(refused)
  })

  test('while the issuer is away a token that it confirmed holds, and one that it never saw does not', async () => {
    const verify = issuer.verifier({ introspection })
    const token = await issuer.sign()
    await verify(token)
    issuer.state.away = true
    await expect(verify(token)).resolves.toBeTruthy()
    await expect(verify(await issuer.sign({ sid: 'another' }))).rejects.toMatchObject(away)
  })
})
