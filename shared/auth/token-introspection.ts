import { z } from 'zod'
import { askProvider } from './discover.ts'

export type IntrospectionClient = { clientId: string; clientSecret: string }

const Answer = z.object({ active: z.boolean() })

/** Asks the issuer whether a token still holds (RFC 7662): its user may be disabled, its session ended since. */
export const introspect = async (
  endpoint: string,
  { clientId, clientSecret }: IntrospectionClient,
  token: string,
): Promise<boolean> => {
  const credentials = [clientId, clientSecret].map(encodeURIComponent).join(':')
  const answer = await askProvider(endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
  })
  return Answer.parse(answer).active
}
