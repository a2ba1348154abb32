import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** One process of the platform, started once: a test sends it signals and sees how it ends. */
export type Launched = {
  signal(name: NodeJS.Signals): void
  /** Its exit code; null when a signal ended it. */
  exited: Promise<number | null>
  /** What it has written so far. */
  output(): string
  stop(): Promise<void>
}

export const launch = (entry: URL, env: Record<string, string>): Launched => {
  const child = spawn(process.execPath, [entry.pathname], {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      output += text
    })
  }
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return {
    signal: (name) => void child.kill(name),
    exited,
    output: () => output,
    stop: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
