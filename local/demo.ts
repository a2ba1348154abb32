import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PlatformError } from '../shared/errors.ts'
import { runCommand } from './command.ts'
import { runExamples } from './demo/run-examples.ts'
import { startLocalStack } from './stack.ts'

// A data folder of its own: the demo leaves a running stack and its data alone.
await runCommand(async () => {
  const interrupted = new AbortController()
  process.on('SIGINT', () => interrupted.abort())
  process.on('SIGTERM', () => interrupted.abort())
  const dataDirectory = await mkdtemp(join(tmpdir(), 'mecapy-demo-'))
  const stack = await startLocalStack({ dataDirectory, port: 0 }).catch(async (error: unknown) => {
    await rm(dataDirectory, { recursive: true, force: true })
    throw error
  })
  try {
    const token = await stack.issueToken({ tenant: 'acme', user: 'ada', roles: ['user'] })
    const reports = await runExamples({
      baseUrl: stack.url,
      token,
      output: process.stdout,
      signal: interrupted.signal,
    }).catch((error: unknown) => {
      throw interrupted.signal.aborted ? new PlatformError('CONFLICT', 'Interrupted.') : error
    })
    if (!reports.every(({ passed }) => passed))
      throw new PlatformError('CONFLICT', 'A calculation is out of its tolerance.')
  } finally {
    await stack.stop()
    await rm(dataDirectory, { recursive: true, force: true })
  }
})
process.exit()
