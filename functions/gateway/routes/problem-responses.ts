import { z } from '@hono/zod-openapi'

export const ProblemDocument = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    instance: z.string(),
    request_id: z.string(),
    errors: z
      .array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string(), type: z.string() }))
      .optional(),
  })
  .openapi('Problem', { description: 'What was wrong, where, and what to do (RFC 9457).' })

const DESCRIPTIONS = {
  400: 'The body or the query cannot be read',
  401: 'No valid bearer token',
  403: 'Not in the role for this',
  404: 'No such thing for this tenant',
  409: 'Not in the state for this',
  413: 'Larger than allowed',
  415: 'Not application/json',
  422: 'Read, but not valid; every fault is in `errors`',
  429: 'Too many: `Retry-After` says when to come back',
  503: 'A part of the platform is away; try again after `Retry-After`',
} as const

type ProblemStatus = keyof typeof DESCRIPTIONS

type ProblemResponse = {
  description: string
  content: { 'application/problem+json': { schema: typeof ProblemDocument } }
}

/** The problems that a route may answer, for its OpenAPI description. */
export const problemResponses = <S extends ProblemStatus>(...statuses: S[]): Record<S, ProblemResponse> => {
  const responses: Partial<Record<ProblemStatus, ProblemResponse>> = {}
  for (const status of statuses) {
    responses[status] = {
      description: DESCRIPTIONS[status],
      content: { 'application/problem+json': { schema: ProblemDocument } },
    }
  }
  return responses as Record<S, ProblemResponse>
}

export const bearerSecurity = [{ bearer: [] }]
