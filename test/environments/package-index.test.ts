import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { makeTemporaryFolder } from './make-temporary-folder.ts'
import { servePackages } from './serve-packages.ts'

const run = promisify(execFile)
const MODULE = new URL('../../shared/environments/package-index.ts', import.meta.url).href

/** What a process with this configuration of pip finds, or finds of the given index. */
const readIndex = async (configuration: string, given?: string) => {
  const path = join(await makeTemporaryFolder(), 'pip.conf')
  await writeFile(path, configuration)
  const script = `
    import { readPackageIndex } from ${JSON.stringify(MODULE)}
    try { console.log(JSON.stringify(await readPackageIndex('/usr/bin/python3', ${JSON.stringify(given)}))) }
    catch (error) { console.log(JSON.stringify({ code: error.code, message: error.message })) }`
  const env = { PATH: process.env['PATH'], PIP_CONFIG_FILE: path, PIP_RETRIES: '0' }
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env })
  return JSON.parse(stdout)
}

test("the index is the one of pip's configuration, with the host that its files are on", {
  timeout: 60_000,
}, async () => {
  const [index, files] = [await servePackages(), await servePackages()]
  onTestFinished(() => index.close())
  onTestFinished(() => files.close())
  index.add({ name: 'pip', version: '99.0' })
  files.add({ name: 'pip', version: '99.0' })
  index.linkTo(files.index.hosts[0] ?? '')
  const found = await readIndex(`[global]\nindex-url = ${index.index.url}\ncert = /etc/ssl/cert.pem\n`)
  expect(found).toEqual({
    url: index.index.url,
    extraUrls: [],
    hosts: [...index.index.hosts, ...files.index.hosts],
    certificates: '/etc/ssl/cert.pem',
  })
})

test('an index without pip keeps its files itself, and every further index is allowed too', {
  timeout: 60_000,
}, async () => {
  const [index, extra] = [await servePackages(), await servePackages()]
  onTestFinished(() => index.close())
  onTestFinished(() => extra.close())
  const found = await readIndex(
    `[global]\nindex-url = ${index.index.url}\nextra-index-url = ${extra.index.url}\n`,
  )
  expect(found).toMatchObject({
    extraUrls: [extra.index.url],
    hosts: [...index.index.hosts, ...extra.index.hosts],
  })
})

test("a given index is the only one, whatever pip's configuration says of others", {
  timeout: 60_000,
}, async () => {
  const [index, other] = [await servePackages(), await servePackages()]
  onTestFinished(() => index.close())
  onTestFinished(() => other.close())
  const configuration = `[global]\nindex-url = ${other.index.url}\nextra-index-url = ${other.index.url}\n`
  expect(await readIndex(`${configuration}cert = /etc/ssl/cert.pem\n`, index.index.url)).toEqual({
    ...index.index,
    certificates: '/etc/ssl/cert.pem',
  })
  expect(other.requests).toEqual([])
})

test('an index that does not answer is named as the trouble', { timeout: 60_000 }, async () => {
  expect(await readIndex('[global]\nindex-url = http://127.0.0.1:9/simple\n')).toEqual({
    code: 'UNAVAILABLE',
    message: 'The package index cannot be reached: check its address (PACKAGE_INDEX_URL, pip config list).',
  })
})
