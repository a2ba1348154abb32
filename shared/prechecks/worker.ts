/** The thread that reads hostile sources: it may be stopped or die at any moment, and holds nothing. */
import { setFlagsFromString } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import type { CheckContext } from './check-file.ts'
import type { SourceFile } from './finding.ts'

export type Job = { file: SourceFile; context: CheckContext }

// Ruff is 10 MB of WebAssembly: V8's optimising compiler would take 250 MB for it, and make no source faster.
setFlagsFromString('--no-wasm-tier-up')
setFlagsFromString('--no-wasm-dynamic-tiering')
const { checkFile } = await import('./check-file.ts')

// What throws here (a stack that ran out, a trap in Ruff) ends the thread: its Ruff may be damaged, and a new one is not.
parentPort?.on('message', ({ file, context }: Job) => parentPort?.postMessage(checkFile(file, context)))

// Ruff compiles on its first use: better now than on somebody's time.
const policy: CheckContext['policy'] = { security: 'error', rules: {}, imports: 'error', denyImports: [] }
const context: CheckContext = { policy, allowed: [], anyPackage: false, target: 'py314' }
checkFile({ path: 'warm-up.py', source: 'import math\n' }, context)
parentPort?.postMessage('ready')
