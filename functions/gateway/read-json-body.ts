import { Readable } from 'node:stream'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { PlatformError } from '../../shared/errors.ts'
import { type JsonSpan, JsonSyntaxError, scanJson } from '../../shared/json/index.ts'
import type { GatewayEnv } from './app.ts'

/** The body as the user sent it, and where each member's value stands in it. */
export type JsonBody = { text: string; members: ReadonlyMap<string, JsonSpan> }

/** The text of one member's value, to the letter. */
export const memberText = ({ text, members }: JsonBody, name: string): string | undefined => {
  const span = members.get(name)
  return span && text.slice(span.start, span.end)
}

// Node's own stream where there is one: making a web stream of it costs more than all else that a submission does.
const bodyOf = (c: Context<GatewayEnv>): AsyncIterable<Uint8Array> =>
  c.env?.incoming ?? c.req.raw.body ?? Readable.from([])

const readText = async (c: Context<GatewayEnv>, maxBytes: number): Promise<string> => {
  const tooLarge = () =>
    new PlatformError(
      'TOO_LARGE',
      `The body is larger than ${maxBytes} bytes: upload large inputs as files (POST /uploads).`,
    )
  if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of bodyOf(c)) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new PlatformError('BAD_REQUEST', 'The body is not UTF-8.', { cause })
  }
}

/**
 * Reads a JSON body before anything parses it: size first, then the grammar, so that the text can be kept as it is.
 * What JavaScript's parser would blur (names given twice, numbers beyond a double) is refused here.
 */
export const readJsonBody = (limits: { maxBytes: number; maxDepth: number }) =>
  createMiddleware<GatewayEnv>(async (c, next) => {
    const type = c.req.header('content-type') ?? ''
    if (!/^application\/json\s*(;|$)/i.test(type)) {
      throw new PlatformError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json.')
    }
    const text = await readText(c, limits.maxBytes)
    // The validators read the body from here: the stream itself is spent.
    c.req.bodyCache.text = Promise.resolve(text) as unknown as string
    try {
      c.set('body', { text, members: scanJson(text, { maxDepth: limits.maxDepth }) })
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error
      throw new PlatformError('BAD_REQUEST', `The body is not JSON that we can take: ${error.message}.`, {
        faults: [{ loc: ['body', ...error.path.slice(0, 20)], msg: error.message, type: 'json_invalid' }],
      })
    }
    await next()
  })
