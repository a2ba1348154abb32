/** The roles that the API knows; a token may hold others, which mean nothing here. */
export type Role = 'user' | 'admin' | 'operator'

/** What a valid token says about its bearer. */
export type Identity = {
  issuer: string
  subject: string
  username: string
  email: string | undefined
  givenName: string | undefined
  familyName: string | undefined
  /** The slugs of the companies that the token was issued for; none for a person on their own. */
  organizations: readonly string[]
  /** Of the realm and of the API's own client, never of another client. */
  roles: readonly string[]
  /** What tells one sign-in from the next. */
  session: string
}
