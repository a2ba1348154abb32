import { createHmac, timingSafeEqual } from 'node:crypto'
import { PlatformError } from '../errors.ts'
import { checkKey } from './names.ts'
import type { SignedRequest, SignedUrlOptions, VerifySignedUrl } from './port.ts'
import { checkSignedUrlOptions } from './signed-url.ts'

export type UrlSignerOptions = {
  /** The gateway as its clients reach it. */
  publicUrl: string
  /** Secrets, the newest first: it signs, and all of them are believed, so that a key can be changed at any time. */
  signingKeys: readonly string[]
  now?: () => number
}

/** Where below its public URL the gateway serves objects. */
export const OBJECTS_PATH = '/objects'
const MIN_SIGNING_KEY_CHARACTERS = 32

/** Anything else in a URL, or anything twice, is not of our making. */
const PARAMETERS = {
  GET: new Set(['method', 'expires', 'filename', 'signature']),
  PUT: new Set(['method', 'expires', 'type', 'size', 'sha256', 'signature']),
}
const WHOLE_NUMBER = /^(0|[1-9]\d{0,15})$/

/** JSON keeps the pieces apart: no text of one can pass for the beginning of the next. */
const canonicalText = (request: SignedRequest, expiresMs: number): string =>
  JSON.stringify([
    'mecapy-object-url-1',
    request.method,
    request.key,
    expiresMs,
    ...(request.method === 'GET'
      ? [request.filename ?? null]
      : [request.contentType, request.sizeBytes, request.sha256 ?? null]),
  ])

const signatureOf = (text: string, key: string): string =>
  createHmac('sha256', key).update(text).digest('base64url')

const isEqual = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const denied = (message: string, cause?: unknown) =>
  new PlatformError('PERMISSION_DENIED', message, { cause })

const invalidLink = (cause?: unknown) =>
  denied('This link is not valid for this request: ask for a new one.', cause)

const readWholeNumber = (text: string | null): number => {
  if (text === null || !WHOLE_NUMBER.test(text)) throw invalidLink()
  return Number(text)
}

const readKey = (path: string): string => {
  if (!path.startsWith(`${OBJECTS_PATH}/`)) throw invalidLink()
  try {
    const key = path
      .slice(OBJECTS_PATH.length + 1)
      .split('/')
      .map(decodeURIComponent)
      .join('/')
    checkKey(key)
    return key
  } catch (cause) {
    throw invalidLink(cause)
  }
}

const readRequest = (key: string, query: URLSearchParams): SignedRequest => {
  const method = query.get('method')
  const names = [...query.keys()]
  if (method !== 'GET' && method !== 'PUT') throw invalidLink()
  if (new Set(names).size !== names.length || !names.every((name) => PARAMETERS[method].has(name))) {
    throw invalidLink()
  }
  if (method === 'GET') {
    const filename = query.get('filename')
    return { method, key, ...(filename === null ? {} : { filename }) }
  }
  const contentType = query.get('type')
  const sha256 = query.get('sha256')
  if (contentType === null) throw invalidLink()
  const sizeBytes = readWholeNumber(query.get('size'))
  return { method, key, contentType, sizeBytes, ...(sha256 === null ? {} : { sha256 }) }
}

/**
 * Signs URLs that allow one method on one object for a while, and checks them.
 *
 * @throws `MISCONFIGURED` without a signing key of at least 32 characters
 */
export const createUrlSigner = ({ publicUrl, signingKeys, now = Date.now }: UrlSignerOptions) => {
  const [newestKey] = signingKeys
  if (newestKey === undefined || signingKeys.some((key) => key.length < MIN_SIGNING_KEY_CHARACTERS)) {
    throw new PlatformError(
      'MISCONFIGURED',
      `The disk store needs signing keys of at least ${MIN_SIGNING_KEY_CHARACTERS} random characters each.`,
    )
  }

  const sign = (key: string, options: SignedUrlOptions): string => {
    checkKey(key)
    checkSignedUrlOptions(options)
    const request: SignedRequest = { key, ...options }
    const expiresMs = now() + options.expiresSeconds * 1000
    const query = new URLSearchParams({ method: options.method, expires: `${expiresMs}` })
    if (options.method === 'GET') {
      if (options.filename !== undefined) query.set('filename', options.filename)
    } else {
      query.set('type', options.contentType)
      query.set('size', `${options.sizeBytes}`)
      if (options.sha256 !== undefined) query.set('sha256', options.sha256)
    }
    query.set('signature', signatureOf(canonicalText(request, expiresMs), newestKey))
    const path = key.split('/').map(encodeURIComponent).join('/')
    return `${publicUrl.replace(/\/+$/, '')}${OBJECTS_PATH}/${path}?${query}`
  }

  const verify: VerifySignedUrl = (method, path, query) => {
    const request = readRequest(readKey(path), query)
    const expiresMs = readWholeNumber(query.get('expires'))
    const text = canonicalText(request, expiresMs)
    const signature = query.get('signature') ?? ''
    const authentic = signingKeys.some((key) => isEqual(signature, signatureOf(text, key)))
    // HEAD tells less than GET, which is allowed.
    if (!authentic || (method === 'HEAD' ? 'GET' : method) !== request.method) throw invalidLink()
    if (now() >= expiresMs) throw denied('This link has expired: ask for a new one.')
    return request
  }

  return { sign, verify }
}
