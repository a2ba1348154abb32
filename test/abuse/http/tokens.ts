import { createHmac } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { expectRefused } from './refusal.ts'
import type { Site } from './site.ts'

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const decodeClaims = (token: string): JWTPayload =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload

/** Signed with a secret that everybody knows: the issuer's public key. */
const signWithPublicKey = (token: string, secret: string): string => {
  const head = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(decodeClaims(token))}`
  return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
}

const signWithOwnKey = async (token: string, header: object): Promise<string> => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const jwk = await exportJWK(publicKey)
  return await new SignJWT(decodeClaims(token))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', ...('jwk' in header ? { jwk } : {}), ...header })
    .sign(privateKey)
}

const FORGERIES: Record<string, (site: Site) => string | Promise<string>> = {
  'without a signature (none)': ({ tokens }) => new UnsecuredJWT(decodeClaims(tokens.victim)).encode(),
  'without a signature (nOnE)': ({ tokens }) =>
    `${encode({ alg: 'nOnE', typ: 'JWT' })}.${encode(decodeClaims(tokens.victim))}.`,
  'with the signature cut off': ({ tokens }) => tokens.victim.replace(/\.[^.]*$/, '.'),
  'signed as HS256 with the public key': ({ tokens, publicKey }) =>
    signWithPublicKey(tokens.victim, JSON.stringify(publicKey)),
  'signed as HS256 with the public key’s bytes': ({ tokens, publicKey }) =>
    signWithPublicKey(tokens.victim, publicKey.x ?? ''),
  'signed as HS256 with nothing': ({ tokens }) => signWithPublicKey(tokens.victim, ''),
  'signed by a stranger under our key’s id': ({ tokens, publicKey }) =>
    signWithOwnKey(tokens.victim, { kid: publicKey.kid }),
  'that brings its key along (jwk)': ({ tokens }) => signWithOwnKey(tokens.victim, { jwk: {}, kid: 'own' }),
  'that says where its key is (jku)': ({ tokens, url }) =>
    signWithOwnKey(tokens.victim, { jku: `${url}/docs`, kid: 'own' }),
  'with a certificate of its own (x5c)': ({ tokens }) => signWithOwnKey(tokens.victim, { x5c: ['MIIB'] }),
  'whose kid is a path': ({ signToken }) => signToken({}, { kid: '../../../../dev/null' }),
  'whose kid is SQL': ({ signToken }) => signToken({}, { kid: "' union select 'secret' --" }),
  'whose kid is a command': ({ signToken }) => signToken({}, { kid: '| cat /etc/passwd' }),
  'whose kid has a line break': ({ signToken }) => signToken({}, { kid: 'x\r\nset-cookie: a=b' }),
  'whose kid is of another kind': ({ tokens }) =>
    `${encode({ alg: 'EdDSA', kid: { $ne: null } })}.${encode(decodeClaims(tokens.victim))}.AAAA`,
  'of another company under an old signature': ({ tokens }) => {
    const [header, , signature] = tokens.attacker.split('.')
    return `${header}.${encode({ ...decodeClaims(tokens.attacker), tenant: 'acme' })}.${signature}`
  },
  'of another issuer': ({ signToken }) => signToken({ iss: 'https://elsewhere.example' }),
  'for another audience': ({ signToken }) => signToken({ aud: 'billing' }),
  'for no audience': ({ signToken }) => signToken({ aud: undefined }),
  'that has expired': ({ signToken }) => signToken({ exp: 1_000_000_000 }),
  'that never expires': ({ signToken }) => signToken({ exp: undefined }),
  'that is not valid yet': ({ signToken }) => signToken({ nbf: 4_000_000_000 }),
  'without a subject': ({ signToken }) => signToken({ sub: undefined }),
  'whose company is a path': ({ signToken }) => signToken({ tenant: '../acme' }),
  'whose company is SQL': ({ signToken }) => signToken({ tenant: "acme' or '1'='1" }),
  'whose company is an object': ({ signToken }) => signToken({ tenant: { $ne: null } }),
  'whose company is in capitals': ({ signToken }) => signToken({ tenant: 'ACME' }),
  'with an extension that must be understood': ({ signToken }) =>
    signToken({}, { kid: 'x' }).then((token) =>
      token.replace(/^[^.]*/, encode({ alg: 'EdDSA', crit: ['exp2'], exp2: 1 })),
    ),
  'of three dots': () => '...',
  'of fifteen thousand letters': () => 'a'.repeat(15_000),
}

/** Tokens that nobody issued, or not for this. */
export const describeTokens = (site: () => Site) => {
  describe('a token', () => {
    it('of its own kind is taken, so that the others are refused for what they are', async () => {
      const token = await site().signToken({})
      expect((await site().send('GET', '/tasks', { token })).status).toBe(200)
    })

    it.each(Object.entries(FORGERIES))('%s opens nothing', async (_, forge) => {
      const answer = await site().send('GET', '/tasks', { token: await forge(site()) })
      expectRefused(answer, 401)
      expect(answer.text).toContain('Invalid authentication credentials')
    })

    it.each<[string, (token: string) => { path: string; headers: object }]>([
      ['in the query', (token) => ({ path: `/tasks?access_token=${token}`, headers: {} })],
      ['in a cookie', (token) => ({ path: '/tasks', headers: { cookie: `token=${token}` } })],
      [
        'as a password',
        (token) => ({ path: '/tasks', headers: { authorization: `Basic ${btoa(`x:${token}`)}` } }),
      ],
      [
        'beside another',
        (token) => ({ path: '/tasks', headers: { authorization: `Bearer x, Bearer ${token}` } }),
      ],
      [
        'under another name',
        (token) => ({ path: '/tasks', headers: { 'x-forwarded-authorization': `Bearer ${token}` } }),
      ],
    ])('%s opens nothing', async (_, place) => {
      const { path, headers } = place(site().tokens.victim)
      expectRefused(await site().send('GET', path, { headers }), 401)
    })
  })
}
