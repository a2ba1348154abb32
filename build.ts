/**
 * `npm run build [-- --out DIR]`: one bundle a deployed process, in `dist/<name>/`, with the files it reads at run time beside it.
 * Prints the size of each and how long it takes to start, next to a bare Node.js in the same run.
 *
 * `new URL('./name', import.meta.url)` finds a file beside its module from source, and its copy from a bundle.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, readFile, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const BUNDLES = {
  gateway: 'functions/gateway/main.ts',
  runner: 'functions/runner/main.ts',
  consumer: 'workers/consumer/main.ts',
  janitor: 'workers/janitor/main.ts',
}

type Companions = { files?: string[]; thread?: { entry: string; output: string } }

/** What a module of a bundle needs at run time and does not import. */
const COMPANIONS: Record<string, Companions> = {
  'functions/gateway/routes/docs.ts': {
    files: ['package.json', 'swagger-ui.css', 'swagger-ui-bundle.js'].map(
      (name) => `node_modules/swagger-ui-dist/${name}`,
    ),
  },
  'shared/prechecks/checker-threads.ts': {
    thread: { entry: 'shared/prechecks/worker.ts', output: 'prechecks-worker.mjs' },
  },
}

/** Packages that read their own files by `__dirname`: they stay packages, in a `node_modules` beside the bundle. */
const WHOLE_PACKAGES = ['@astral-sh/ruff-wasm-nodejs']
/** Optional native parts of `pg` and of dockerode's ssh2, which do without them. */
const ABSENT_PACKAGES = ['pg-native', 'cpu-features', '*.node']

const START_SAMPLES = 5
const START_TIMEOUT_MS = 30_000

/** Some dependencies are CommonJS and call `require`, which an ES module does not have. */
const REQUIRE = `import { createRequire as bundleRequire } from 'node:module';const require = bundleRequire(import.meta.url);`

const root = fileURLToPath(new URL('.', import.meta.url))

/** Files beside a module that it reads, by the expression named on top; a folder counts whole. */
const listAssets = async (module: string) => {
  const source = await readFile(join(root, module), 'utf8')
  return [...source.matchAll(/new URL\(['`]\.\/([\w.-]+)[/'`]/g)].map(([, name = '']) => name)
}

const copyAsset = async (module: string, name: string, outputDir: string) => {
  const source = join(root, dirname(module), name)
  const target = join(outputDir, name)
  if (existsSync(target)) throw new Error(`${source}: the bundle has a file named ${name} already`)
  await cp(source, target, { recursive: true, filter: (path) => basename(path) !== '__pycache__' })
}

const copyToBundle = (path: string, outputDir: string) =>
  cp(join(root, path), join(outputDir, path), { recursive: true })

/** Bundles a module and, in the same folder, what it needs beside itself. */
const bundle = async (entry: string, outfile: string): Promise<void> => {
  const outputDir = dirname(outfile)
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minifySyntax: true,
    sourcemap: 'linked',
    banner: { js: REQUIRE },
    external: [...WHOLE_PACKAGES, ...ABSENT_PACKAGES],
    logLevel: 'warning',
  })
  const { inputs = {}, imports = [] } = metafile.outputs[relative(root, outfile)] ?? {}
  for (const name of WHOLE_PACKAGES) {
    if (imports.some(({ path }) => path === name)) await copyToBundle(`node_modules/${name}`, outputDir)
  }
  const modules = Object.keys(inputs).filter((path) => (inputs[path]?.bytesInOutput ?? 0) > 0)
  for (const module of modules.filter((path) => !path.startsWith('node_modules/'))) {
    for (const name of await listAssets(module)) await copyAsset(module, name, outputDir)
    const { files = [], thread } = COMPANIONS[module] ?? {}
    for (const file of files) await copyToBundle(file, outputDir)
    if (thread) await bundle(thread.entry, join(outputDir, thread.output))
  }
}

const runOnce = (args: string[], accept: (error: Error | null, stderr: string) => boolean) =>
  new Promise<number>((resolve, reject) => {
    const start = performance.now()
    execFile(process.execPath, args, { env: {}, timeout: START_TIMEOUT_MS }, (error, _stdout, stderr) => {
      if (accept(error, stderr)) resolve(performance.now() - start)
      else reject(new Error(`${args.join(' ')} did not start as it should:\n${stderr || error?.message}`))
    })
  })

/** Without configuration a process loads all of itself, says what is missing and ends: a start but for connections. */
const refusesToStart = (error: Error | null, stderr: string) =>
  error !== null && stderr.includes('DATABASE_URL')

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const measureStart = async (file: string) => {
  const bundleMs: number[] = []
  const nodeMs: number[] = []
  for (let sample = 0; sample < START_SAMPLES; sample += 1) {
    bundleMs.push(await runOnce([file], refusesToStart))
    nodeMs.push(await runOnce(['--eval', '0'], (error) => error === null))
  }
  return { bundleMs: median(bundleMs), nodeMs: median(nodeMs) }
}

const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } })
const missing = Object.values(BUNDLES).filter((entry) => !existsSync(join(root, entry)))
if (missing.length > 0) throw new Error(`entry points are missing: ${missing.join(', ')}`)
for (const [name, entry] of Object.entries(BUNDLES)) {
  const outputDir = resolve(values.out, name)
  await rm(outputDir, { recursive: true, force: true })
  await bundle(entry, join(outputDir, 'main.mjs'))
  const { size } = await stat(join(outputDir, 'main.mjs'))
  const { bundleMs, nodeMs } = await measureStart(join(outputDir, 'main.mjs'))
  const kib = (size / 1_024).toFixed(0).padStart(6)
  console.log(
    `${name.padEnd(10)}${kib} KiB   starts in ${bundleMs.toFixed(0)} ms (bare Node.js: ${nodeMs.toFixed(0)} ms)`,
  )
}
