import { afterAll, beforeAll } from 'vitest'
import type { EngineName, SandboxConfigInput } from '../../shared/sandbox/config.ts'
import type { Sandboxes } from '../../shared/sandbox/index.ts'
import { openTestSandboxes, type Ran, runTask, type Task } from './run-task.ts'

export type EngineUnderTest = {
  engine: EngineName
  /** Where it is, asked when the suite begins. */
  configure?: () => SandboxConfigInput
}

/** Opens sandboxes for the suite it is called in, and gives what runs a task in them. */
export const useEngine = (
  { engine, configure = () => ({}) }: EngineUnderTest,
  config: SandboxConfigInput = {},
) => {
  let sandboxes: Sandboxes | undefined
  beforeAll(async () => {
    sandboxes = await openTestSandboxes({ config: { engine, ...configure(), ...config } })
  })
  afterAll(() => sandboxes?.close())

  const opened = (): Sandboxes => {
    if (sandboxes === undefined) throw new Error('the sandboxes did not open')
    return sandboxes
  }
  const run = (source: string, task?: Task): Promise<Ran> => runTask(opened(), source, task)
  const failureOf = async (source: string, task?: Task) => {
    const { outcome } = await run(source, task)
    if (outcome.status !== 'failed') throw new Error(`not failed: ${JSON.stringify(outcome)}`)
    return outcome
  }
  return { opened, run, failureOf }
}

/** A Python program as an indented template. */
export const python = (strings: TemplateStringsArray, ...values: unknown[]): string => {
  const text = String.raw({ raw: strings }, ...values)
  const indent = /^\n( *)/.exec(text)?.[1] ?? ''
  return text.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trimStart()
}
