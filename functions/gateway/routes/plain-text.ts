import { z } from '@hono/zod-openapi'

/** Text that PostgreSQL stores as it is: it has no sign for NUL, and UTF-8 none for half a surrogate pair. */
export const PlainText = z
  .string()
  .refine(
    (text) => text.isWellFormed() && !text.includes('\u0000'),
    'must hold no NUL character and no half of a surrogate pair',
  )
