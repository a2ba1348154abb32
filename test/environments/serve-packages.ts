import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PackageIndex } from '../../shared/environments/index.ts'

/** `zeros`: a file of so many bytes that compress to nearly none; `noise`: of so many that do not. */
export type TestPackage = {
  name: string
  version: string
  requires?: string[]
  files?: Record<string, string>
  zeros?: number
  noise?: number
  source?: boolean
}

/** Makes the files that an index offers: a wheel, or a source distribution whose setup.py leaves a trace. */
const BUILD = `
import base64, hashlib, io, json, os, sys, tarfile, zipfile
p = json.load(sys.stdin)
name, version = p["name"], p["version"]
metadata = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n" + "".join(f"Requires-Dist: {r}\\n" for r in p.get("requires", []))
files = {f"{name}/__init__.py": f'__version__ = "{version}"\\n', **p.get("files", {})}
files = {k: v.encode() for k, v in files.items()}
if p.get("zeros"): files[f"{name}/zeros.bin"] = bytes(p["zeros"])
if p.get("noise"): files[f"{name}/noise.bin"] = os.urandom(p["noise"])
if p.get("source"):
    path = f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for k, v in {"setup.py": b"raise SystemExit('setup.py ran')", "PKG-INFO": metadata.encode(), **files}.items():
            info = tarfile.TarInfo(f"{name}-{version}/{k}"); info.size = len(v)
            tar.addfile(info, io.BytesIO(v))
else:
    path = f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files[f"{info}/METADATA"] = metadata.encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    record = "".join(f"{k},sha256={base64.urlsafe_b64encode(hashlib.sha256(v).digest()).rstrip(b'=').decode()},{len(v)}\\n" for k, v in files.items())
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\\n").encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for k, v in files.items(): wheel.writestr(k, v)
print(path)`

export type TestIndex = {
  index: PackageIndex
  /** Paths that were asked for, in order. */
  requests: string[]
  add(made: TestPackage): { path: string; hash: string }
  /** Files are linked to on this host instead. */
  linkTo(host: string): void
  /** Requests are heard and never answered, until `resume`. */
  hang(): void
  resume(): void
  close(): Promise<void>
}

/** A package index on the loopback, of packages made for a test. */
export const servePackages = async (): Promise<TestIndex> => {
  const folder = mkdtempSync(join(tmpdir(), 'packages-'))
  const found = new Map<string, { path: string; hash: string }[]>()
  const requests: string[] = []
  let filesOf = ''
  let hanging = false

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const url = request.url ?? ''
    requests.push(url)
    if (hanging) return
    const [, kind, name = ''] = url.split('/')
    if (kind === 'files') return void response.end(readFileSync(join(folder, name)))
    const links = found
      .get(name)
      ?.map(({ path, hash }) => `<a href="${filesOf}/files/${path}#sha256=${hash}">${path}</a><br>`)
    if (links === undefined) return void response.writeHead(404).end()
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!DOCTYPE html><html><body>${links.join('')}</body></html>`)
  }
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    index: { url: `http://${host}/simple`, extraUrls: [], hosts: [host] },
    requests,
    add(made) {
      const path = execFileSync('python3', ['-c', BUILD], {
        input: JSON.stringify(made),
        cwd: folder,
        encoding: 'utf8',
      }).trim()
      const hash = createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex')
      found.set(made.name, [...(found.get(made.name) ?? []), { path, hash }])
      return { path, hash }
    },
    linkTo(other) {
      filesOf = `http://${other}`
    },
    hang() {
      hanging = true
    },
    resume() {
      hanging = false
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
