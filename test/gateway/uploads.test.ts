import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from './app.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.stop())

const mesh = '$MeshFormat\n4.1 0 8\n$EndMeshFormat\n'
const sha256 = createHash('sha256').update(mesh).digest('hex')
const ask = (changes: object = {}) =>
  gateway.fetch('POST', '/uploads', {
    body: JSON.stringify({ filename: 'bridge.msh', size_bytes: mesh.length, sha256, ...changes }),
  })
type Upload = { upload_id: string; url: string; headers: Record<string, string> }
const put = async ({ url, headers }: Upload, body: string, changes: Record<string, string> = {}) => {
  const { pathname, search } = new URL(url)
  const given = { 'content-length': `${body.length}`, ...headers, ...changes, authorization: '' }
  return await gateway.fetch('PUT', pathname + search, { body, headers: given })
}

test('a file is put at its signed URL and then given to a task', async () => {
  const response = await ask()
  expect(response.status).toBe(201)
  const upload = (await response.json()) as Upload
  expect((await put(upload, mesh)).status).toBe(200)
  const task = { code: 'def f(mesh): pass', handler: 'f', files: { mesh: upload.upload_id } }
  expect((await gateway.fetch('POST', '/tasks', { body: JSON.stringify(task) })).status).toBe(202)
})

test('content other than what was announced is refused', async () => {
  const upload = (await (await ask()).json()) as Upload
  expect((await put(upload, mesh.replace('4.1', '2.2'))).status).toBeGreaterThanOrEqual(400)
  expect((await put(upload, `${mesh}\n`)).status).toBe(400)
})

test('another tenant’s upload cannot be given to a task', async () => {
  const upload = (await (await ask()).json()) as Upload
  const task = { code: 'def f(mesh): pass', handler: 'f', files: { mesh: upload.upload_id } }
  const token = await gateway.token('other', 'eve')
  expect((await gateway.fetch('POST', '/tasks', { body: JSON.stringify(task), token })).status).toBe(422)
})

test('an upload is taken up to its limit and refused beyond it', async () => {
  const { maxUploadBytes } = gateway.dependencies.limits
  expect((await ask({ size_bytes: maxUploadBytes })).status).toBe(201)
  expect((await ask({ size_bytes: maxUploadBytes + 1 })).status).toBe(413)
})

test.each(['../etc/passwd', 'a/b', '.hidden', 'x\u0000y', ''])(
  'the file name %j is refused',
  async (filename) => {
    expect((await ask({ filename })).status).toBe(422)
  },
)
