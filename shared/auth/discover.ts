import { z } from 'zod'
import { PlatformError } from '../errors.ts'

export type Endpoints = { keys: string; introspection: string | undefined }

const IDENTITY_TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 1_048_576
const RETRY_AFTER_SECONDS = 5

const Endpoint = z.url({ protocol: /^https?$/ })
const Discovery = z.object({
  issuer: z.string(),
  jwks_uri: Endpoint,
  introspection_endpoint: Endpoint.optional(),
})

/** A request to the identity provider: soon answered or failed, redirected nowhere. @returns the JSON of its answer */
export const askProvider = async (url: string, init: RequestInit = {}): Promise<unknown> => {
  const response = await fetch(url, {
    ...init,
    signal: AbortSignal.timeout(IDENTITY_TIMEOUT_MS),
    redirect: 'error',
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  const text = await response.text()
  if (text.length > MAX_ANSWER_BYTES) throw new Error(`${url} answered ${text.length} characters`)
  return JSON.parse(text)
}

export const providerAway = (cause: unknown): PlatformError =>
  new PlatformError('UNAVAILABLE', 'The identity provider cannot be reached: try again shortly.', {
    cause,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  })

/** Where an issuer keeps its keys, by OIDC discovery; an issuer with TLS keeps them behind TLS. */
export const discover = async (issuer: string): Promise<Endpoints> => {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const document = Discovery.parse(await askProvider(url))
  if (document.issuer !== issuer) throw new Error(`${url} speaks for another issuer`)
  const { jwks_uri: keys, introspection_endpoint: introspection } = document
  const insecure = [keys, introspection].find((endpoint) => endpoint?.startsWith('http:'))
  if (issuer.startsWith('https:') && insecure) throw new Error(`${url} names ${insecure}, without TLS`)
  return { keys, introspection }
}
