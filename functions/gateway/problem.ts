import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { isDatabaseAway } from '../../shared/database/index.ts'
import { type ErrorCode, type Fault, PlatformError } from '../../shared/errors.ts'
import { appendMember } from '../../shared/json/index.ts'
import type { GatewayEnv } from './app.ts'

export type Problem = {
  status: ContentfulStatusCode
  title: string
  detail: string
  code: string
  errors?: Fault[]
  /** For a task that ended without a result. */
  task_status?: string
  failure_code?: string | null
}

const statusOf = (code: ErrorCode): [ContentfulStatusCode, string] => {
  switch (code) {
    case 'BAD_REQUEST':
      return [400, 'Bad request']
    case 'UNAUTHENTICATED':
      return [401, 'Unauthenticated']
    case 'PERMISSION_DENIED':
      return [403, 'Permission denied']
    case 'NOT_FOUND':
      return [404, 'Not found']
    case 'EXPIRED':
      return [410, 'Expired']
    case 'CONFLICT':
      return [409, 'Conflict']
    case 'TOO_LARGE':
      return [413, 'Too large']
    case 'UNSUPPORTED_MEDIA_TYPE':
      return [415, 'Unsupported media type']
    case 'INVALID':
      return [422, 'Invalid']
    case 'IDEMPOTENCY_KEY_REUSED':
      return [422, 'Idempotency key reused']
    case 'LANE_FULL':
      return [429, 'Lane full']
    case 'UNAVAILABLE':
      return [503, 'Unavailable']
    case 'MISCONFIGURED':
      return [500, 'Internal error']
  }
}

/** A problem as it is told in the answer to this request. */
export const describeProblem = (c: Context<GatewayEnv>, problem: Problem) => ({
  type: 'about:blank',
  ...problem,
  instance: c.req.path,
  request_id: c.get('requestId'),
})

/** Answers with a problem (RFC 9457); `member` is one more, given as JSON text: a user's own error, to the letter. */
export const answerProblem = (
  c: Context<GatewayEnv>,
  problem: Problem,
  member?: { name: string; json: string },
) => {
  const document = describeProblem(c, problem)
  const body = member ? appendMember(document, member.name, member.json) : JSON.stringify(document)
  return c.body(body, problem.status, { 'content-type': 'application/problem+json' })
}

const RETRY_AFTER_SECONDS = 2

const toPlatformError = (error: unknown): PlatformError | undefined => {
  if (error instanceof PlatformError) return error
  if (isDatabaseAway(error)) {
    return new PlatformError('UNAVAILABLE', 'The platform cannot reach its database: try again shortly.', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    })
  }
  if (error instanceof HTTPException && error.status < 500) {
    return new PlatformError(error.status === 413 ? 'TOO_LARGE' : 'BAD_REQUEST', error.message)
  }
  return undefined
}

export const toProblem = (error: PlatformError): Problem => {
  const [status, title] = statusOf(error.code)
  return {
    status,
    title,
    detail: error.message,
    code: error.code,
    ...(error.faults.length > 0 && { errors: error.faults }),
  }
}

/** The one place where an error becomes an answer. What we did not mean tells nothing but the request's id. */
export const answerError = (error: unknown, c: Context<GatewayEnv>) => {
  const known = toPlatformError(error)
  if (!known || known.code === 'MISCONFIGURED') {
    c.get('logger').error({ error, requestId: c.get('requestId'), path: c.req.path }, 'request failed')
    return answerProblem(c, {
      status: 500,
      title: 'Internal error',
      detail: 'Something went wrong on our side. If it stays, tell us the request_id.',
      code: 'INTERNAL',
    })
  }
  const problem = toProblem(known)
  if (known.retryAfterSeconds !== undefined) c.header('retry-after', String(known.retryAfterSeconds))
  if (problem.status === 401) c.header('www-authenticate', 'Bearer')
  return answerProblem(c, problem)
}
