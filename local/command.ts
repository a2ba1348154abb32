import { PlatformError } from '../shared/errors.ts'

/** Runs a command's body; an error that we meant is one clear line, and any error ends the process with 1. */
export const runCommand = async (body: () => Promise<void>): Promise<void> => {
  try {
    await body()
  } catch (error) {
    console.error(error instanceof PlatformError ? error.message : error)
    process.exitCode = 1
  }
}
