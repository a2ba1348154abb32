import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { KeycloakServer } from '../services/keycloak.ts'

const REQUEST_MS = 15_000
/** Where the Python client listens for the browser; it takes the first of five ports that is free. */
export const REDIRECT_URI = 'http://localhost:8085/callback'
const PUBLIC_CLIENT = 'mecapy-api-public'

const Tokens = z.object({
  access_token: z.string(),
  refresh_token: z.string().optional(),
  id_token: z.string().optional(),
  expires_in: z.number(),
})
export type Tokens = z.infer<typeof Tokens>

const request = (url: string | URL, init: RequestInit = {}) =>
  fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(REQUEST_MS) })

/** Asks for tokens. @throws with Keycloak's own words when it refuses */
export const askForTokens = async (
  { issuer }: KeycloakServer,
  form: Record<string, string>,
): Promise<Tokens> => {
  const response = await request(`${issuer}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  return Tokens.parse(JSON.parse(text))
}

export const signInByPassword = (
  keycloak: KeycloakServer,
  username: string,
  password: string,
  scope?: string,
) =>
  askForTokens(keycloak, {
    grant_type: 'password',
    client_id: 'mecapy-api',
    client_secret: keycloak.secrets.api,
    username,
    password,
    ...(scope !== undefined && { scope }),
  })

export const signInAsMachine = (keycloak: KeycloakServer) =>
  askForTokens(keycloak, {
    grant_type: 'client_credentials',
    client_id: 'mecapy-m2m',
    client_secret: keycloak.secrets.m2m,
  })

/** Asks for the page with the sign-in form, as the Python client sends a browser there: without a scope. */
export const openSignInPage = (keycloak: KeycloakServer, parameters: Record<string, string>) =>
  request(
    `${keycloak.issuer}/protocol/openid-connect/auth?${new URLSearchParams({
      response_type: 'code',
      client_id: PUBLIC_CLIENT,
      redirect_uri: REDIRECT_URI,
      state: 'state-of-the-client',
      ...parameters,
    })}`,
  )

export const createPkce = () => {
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  return { verifier, challenge: { code_challenge: challenge, code_challenge_method: 'S256' } }
}

/** Authorization code with PKCE: fills in the form as a browser would. @returns the code */
export const fillInForm = async (
  keycloak: KeycloakServer,
  challenge: Record<string, string>,
  user: string,
  password: string,
) => {
  const page = await openSignInPage(keycloak, challenge)
  const action = /<form[^>]*action="([^"]+)"/.exec(await page.text())?.[1]?.replaceAll('&amp;', '&')
  if (!action) throw new Error(`the page (${page.status}) has no form`)
  const cookies = page.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
  const answer = await request(action, {
    method: 'POST',
    headers: { cookie: cookies.join('; ') },
    body: new URLSearchParams({ username: user, password }),
  })
  const location = new URL(answer.headers.get('location') ?? 'about:blank')
  const code = location.searchParams.get('code')
  if (!location.href.startsWith(`${REDIRECT_URI}?`) || !code)
    throw new Error(`the sign-in was refused (${answer.status})`)
  return code
}

export const redeemCode = (keycloak: KeycloakServer, code: string, verifier: string) =>
  askForTokens(keycloak, {
    grant_type: 'authorization_code',
    client_id: PUBLIC_CLIENT,
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: verifier,
  })

export const signInByBrowser = async (
  keycloak: KeycloakServer,
  user: string,
  password: string,
): Promise<Tokens> => {
  const { verifier, challenge } = createPkce()
  return await redeemCode(keycloak, await fillInForm(keycloak, challenge, user, password), verifier)
}
