import { execFile } from 'node:child_process'
import { rootDir } from './paths.mjs'

/**
 * Runs a program to its end, without a shell, and returns what it printed.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ timeoutMs: number, cwd?: string, env?: Record<string, string> }} options
 * @returns {Promise<string>}
 * @throws {Error} whose message ends in the program's last lines
 */
export const run = (command, args, { timeoutMs, cwd = rootDir, env = {} }) =>
  new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      { cwd, env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout)
        const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-8).join('\n')
        const why = error.killed ? `was stopped after ${timeoutMs / 1000} s` : 'failed'
        reject(new Error(`\`${command} ${args.join(' ')}\` ${why}:\n${said || error.message}`))
      },
    )
    child.stdin?.end()
  })
