import { createRoute, z } from '@hono/zod-openapi'
import { PlatformError } from '../../../shared/errors.ts'
import { createId } from '../../../shared/id.ts'
import { uploadHeaders, uploadKey } from '../../../shared/storage/index.ts'
import type { Gateway, GatewayDependencies } from '../app.ts'
import { readJsonBody } from '../read-json-body.ts'
import { bearerSecurity, problemResponses } from './problem-responses.ts'

const Request = z
  .strictObject({
    // A name that can hurt nobody: the extension is all that the sandbox takes from it.
    filename: z
      .string()
      .regex(/^[\w][\w .()+-]{0,199}$/u, 'letters, digits and . _ - ( ) + only, not starting with a dot'),
    size_bytes: z.number().int().min(0),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
      .optional(),
    content_type: z
      .string()
      .regex(/^[\w.+-]+\/[\w.+-]+$/)
      .max(100)
      .default('application/octet-stream'),
  })
  .openapi('UploadRequest')

const Upload = z
  .object({
    upload_id: z.uuid(),
    method: z.literal('PUT'),
    url: z.string(),
    headers: z.record(z.string(), z.string()).openapi({ description: 'Send exactly these with the PUT' }),
    expires_at: z.iso.datetime().openapi({ description: 'Until when the URL takes the file' }),
  })
  .openapi('Upload')

const route = createRoute({
  method: 'post',
  path: '/uploads',
  tags: ['uploads'],
  summary: 'A signed URL to put an input file at',
  security: bearerSecurity,
  request: { body: { required: true, content: { 'application/json': { schema: Request } } } },
  responses: {
    201: { description: 'Put the file at `url`', content: { 'application/json': { schema: Upload } } },
    ...problemResponses(400, 401, 413, 415, 422, 503),
  },
})

export const addUploads = (app: Gateway, { sql, store, retention, limits }: GatewayDependencies) => {
  app.use('/uploads', readJsonBody({ maxBytes: limits.maxBodyBytes, maxDepth: limits.maxJsonDepth }))
  app.openapi(route, async (c) => {
    const { tenantId, userId } = c.get('member')
    const request = c.req.valid('json')
    if (request.size_bytes > limits.maxUploadBytes) {
      throw new PlatformError(
        'TOO_LARGE',
        `An upload has at most ${limits.maxUploadBytes} bytes; this one has ${request.size_bytes}.`,
      )
    }
    const uploadId = createId()
    const key = uploadKey(tenantId, uploadId, request.filename)
    const terms = {
      contentType: request.content_type,
      sizeBytes: request.size_bytes,
      ...(request.sha256 !== undefined && { sha256: request.sha256 }),
    }
    const { uploads_days: days } = (await retention.read(tenantId)).retention
    const url = await store.signedUrl(key, {
      method: 'PUT',
      expiresSeconds: limits.signedUrlSeconds,
      ...terms,
    })
    await sql`
      insert into uploads (id, tenant_id, user_id, filename, content_type, size_bytes, sha256, object_key, expires_at)
      values (
        ${uploadId}, ${tenantId}, ${userId}, ${request.filename}, ${request.content_type}, ${request.size_bytes},
        ${request.sha256 ?? null}, ${key}, now() + make_interval(days => ${days})
      )`
    return c.json(
      {
        upload_id: uploadId,
        method: 'PUT' as const,
        url,
        headers: uploadHeaders(terms),
        expires_at: new Date(Date.now() + limits.signedUrlSeconds * 1_000).toISOString(),
      },
      201,
    )
  })
}
