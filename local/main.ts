import { rename, writeFile } from 'node:fs/promises'
import { readStartArguments } from './arguments.ts'
import { runCommand } from './command.ts'
import { startLocalStack } from './stack.ts'

const FIRST_TASK = JSON.stringify({
  code: 'def double(x):\n    return 2 * x\n',
  handler: 'double',
  inputs: { x: 291.5 },
})

await runCommand(async () => {
  const { port, dataDirectory, readyFile } = readStartArguments()
  let stop = () => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)

  const stack = await startLocalStack({
    dataDirectory,
    port,
    onGaveUp: (child) => {
      console.error(`${child.name} ended again and again:\n${child.recentOutput()}`)
      process.exitCode = 1
      stop()
    },
  })
  const token = await stack.issueToken({ tenant: 'acme', user: 'ada', roles: ['user'] })
  console.log(`MecaPy runs at ${stack.url} (API: ${stack.url}/docs). Ctrl-C stops it.

export MECAPY_URL=${stack.url} MECAPY_TOKEN=${token}
curl -s $MECAPY_URL/tasks -H "authorization: Bearer $MECAPY_TOKEN" -H 'content-type: application/json' \\
  -H 'prefer: wait=10' -d '${FIRST_TASK}'
`)
  if (readyFile !== undefined) {
    // In one step, so that a script that waits for the file never reads half of it.
    await writeFile(`${readyFile}.part`, JSON.stringify({ url: stack.url, token }), { mode: 0o600 })
    await rename(`${readyFile}.part`, readyFile)
  }
  await stopped
  console.log('Stopping …')
  await stack.stop()
})
process.exit()
