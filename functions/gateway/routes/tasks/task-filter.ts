import { z } from '@hono/zod-openapi'
import { LANES } from '../../../../shared/lanes/index.ts'
import { FAILURE_CODES, TASK_STATUSES, type TaskFilter } from '../../../../shared/tasks/index.ts'
import { PlainText } from '../plain-text.ts'

const parseLabels = (pairs: readonly string[]) =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )

/** Which of the tenant's tasks are meant, as query parameters; all that are given must hold. */
export const filterQuery = {
  status: z.enum(TASK_STATUSES).optional(),
  lane: z.enum(LANES).optional(),
  failure_code: z.enum(FAILURE_CODES).optional(),
  dead: z
    .literal('true')
    .optional()
    .openapi({ description: 'Dead letters: failed for good although the failure is one to try again' }),
  label: z
    .preprocess(
      (value) => (value === undefined || Array.isArray(value) ? value : [value]),
      z.array(PlainText.regex(/^[^=]{1,63}=.{0,256}$/, 'must be name=value')).max(10),
    )
    .optional()
    .openapi({
      type: 'array',
      items: { type: 'string' },
      description: '`name=value`; may be repeated, all must match',
    }),
  created_after: z.iso.datetime({ offset: true }).optional(),
  created_before: z.iso.datetime({ offset: true }).optional(),
}
const FilterQuery = z.object(filterQuery)

export const toTaskFilter = (query: z.infer<typeof FilterQuery>): TaskFilter => ({
  labels: parseLabels(query.label ?? []),
  ...(query.status && { status: query.status }),
  ...(query.lane && { lane: query.lane }),
  ...(query.failure_code && { failureCode: query.failure_code }),
  ...(query.dead && { dead: true }),
  ...(query.created_after && { createdAfter: new Date(query.created_after) }),
  ...(query.created_before && { createdBefore: new Date(query.created_before) }),
})
