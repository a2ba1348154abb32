import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { VERSION } from '../../../shared/version.ts'
import type { Gateway } from '../app.ts'

/** Everything that the page loads comes from us: the content security policy allows no other origin. */
const ASSETS = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
} as const

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>MecaPy platform API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`

const START_SCRIPT = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null })\n`

const readAsset = (name: string) => readFile(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`)))

/** `/openapi.json` is made from the routes themselves, `/docs` shows it. */
export const addDocs = (app: Gateway) => {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token of the identity provider, its audience the API.',
  })
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'MecaPy task platform',
      version: VERSION,
      description:
        "Runs mechanical engineers' Python calculations, isolated, in the lane that suits their runtime.",
    },
    servers: [{ url: '/' }],
  })
  app.get('/docs', (c) => c.html(PAGE))
  app.get('/docs/start.js', (c) =>
    c.body(START_SCRIPT, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
  )
  for (const [name, contentType] of Object.entries(ASSETS)) {
    app.get(`/docs/${name}`, async (c) =>
      c.body(new Uint8Array(await readAsset(name)), 200, {
        'content-type': contentType,
        'cache-control': 'max-age=3600',
      }),
    )
  }
}
