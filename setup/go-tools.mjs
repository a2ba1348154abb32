import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDir, findCommand, isExecutable } from './paths.mjs'
import { run } from './run.mjs'

/**
 * Programs built from their Go modules, once for a user and a version, and what each is for.
 *
 * @type {Readonly<Record<string, { package: string, version: string, why: string }>>}
 */
export const GO_TOOLS = {
  versitygw: {
    package: 'github.com/versity/versitygw/cmd/versitygw',
    version: 'v1.8.0',
    why: 'a real S3 server',
  },
  runsc: {
    package: 'gvisor.dev/gvisor/runsc',
    version: 'v0.0.0-20260905035102-160fafc42237',
    why: 'gVisor, the sandbox of level `kernel`',
  },
}

const TIMEOUT_MS = 15 * 60_000

/**
 * Where a tool is once it is built.
 *
 * @param {keyof typeof GO_TOOLS} name
 */
export const goToolPath = (name) => {
  const tool = GO_TOOLS[name]
  if (!tool) throw new Error(`there is no Go tool ${name} in GO_TOOLS`)
  return join(cacheDir, 'go-tools', `${name}-${tool.version}`)
}

/** @param {keyof typeof GO_TOOLS} name */
const build = async (name) => {
  const tool = GO_TOOLS[name]
  const go = findCommand('go') ?? (isExecutable('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined)
  if (!tool || !go) throw new Error('install Go (https://go.dev/dl), then run this again')
  await mkdir(join(cacheDir, 'go-tools'), { recursive: true })
  const folder = await mkdtemp(join(cacheDir, 'go-tools', `.${name}-`))
  try {
    await run(go, ['install', '-trimpath', `${tool.package}@${tool.version}`], {
      timeoutMs: TIMEOUT_MS,
      cwd: folder,
      // Go makes its module cache read-only unless told; then `rm -rf ~/go` fails.
      env: { GOBIN: folder, GOFLAGS: `${process.env['GOFLAGS'] ?? ''} -modcacherw`.trim(), CGO_ENABLED: '0' },
    })
    await rename(join(folder, name), goToolPath(name))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @type {import('./setup.mjs').Part[]} */
export const goTools = Object.entries(GO_TOOLS).map(([name, { version, why }]) => ({
  name: `${name} ${version}`,
  describe: () => `${why}, built with Go`,
  isReady: () => isExecutable(goToolPath(name)),
  install: () => build(name),
}))
