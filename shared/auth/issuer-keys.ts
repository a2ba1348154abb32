import { setTimeout as delay } from 'node:timers/promises'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { askProvider, providerAway } from './discover.ts'

export type IssuerKeysOptions = {
  /** A key that the issuer has withdrawn is believed for so long at most, while the issuer can be asked. */
  freshMs?: number
  /** While the issuer is away its last known keys are good for so long. */
  staleMs?: number
  /** The least time between two requests for the keys, however many tokens name keys that nobody knows. */
  pauseMs?: number
}

type KeySet = { find: JWTVerifyGetKey; fetchedAtMs: number }

const MINUTE_MS = 60_000

/**
 * The published keys of an issuer. A token's `kid` only picks among them; a `kid` that is not there makes us look at
 * the issuer again, so that a rotation works at once. No other header of a token (`jku`, `jwk`, `x5u`, `x5c`) is read.
 *
 * @throws `UNAVAILABLE` when there are no keys and the issuer is away
 */
export const createIssuerKeys = (
  locate: () => Promise<string>,
  { freshMs = MINUTE_MS, staleMs = 60 * MINUTE_MS, pauseMs = 1_000 }: IssuerKeysOptions = {},
): JWTVerifyGetKey => {
  let known: KeySet | undefined
  let askedAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<KeySet> | undefined

  const fetchKeys = async (): Promise<KeySet> => {
    await delay(Math.max(0, askedAtMs + pauseMs - performance.now()))
    askedAtMs = performance.now()
    const keys = (await askProvider(await locate())) as JSONWebKeySet
    known = { find: createLocalJWKSet(keys), fetchedAtMs: performance.now() }
    return known
  }
  const refresh = () => {
    asking ??= fetchKeys().finally(() => {
      asking = undefined
    })
    return asking
  }
  const ageMs = ({ fetchedAtMs }: KeySet) => performance.now() - fetchedAtMs

  const current = async (): Promise<KeySet> => {
    if (known && ageMs(known) < freshMs) return known
    // While the issuer is away its silence is waited for once in a while, not by every request.
    const wasAskedLately = performance.now() - askedAtMs < freshMs / 10
    if (known && ageMs(known) < staleMs && wasAskedLately) return known
    return await refresh().catch((error: unknown) => {
      if (known && ageMs(known) < staleMs) return known
      throw providerAway(error)
    })
  }

  return async (header, token) => {
    const keys = await current()
    try {
      return await keys.find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const newer = await refresh().catch((cause: unknown) => {
        throw providerAway(cause)
      })
      return await newer.find(header, token)
    }
  }
}
